using System.Text.Json;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class AgglomerativeGoldens
{
    private const double Relative = 1e-9;
    private const string Condensed = "dissimilarity_upper_triangle_by_rows";

    public static TheoryData<int?, string?> Cases() => GoldenFile.Numbered("agglomerative.json", "name", "method");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Trees_and_labels_are_those_of_scipy_and_scikit_learn(int? number, string? title)
    {
        var precomputed = title?.Contains("dissimilarity", StringComparison.Ordinal) ?? false;
        var (golden, shared) = GoldenFile.Numbered(number, "agglomerative.json", precomputed ? Condensed : "x");
        var (n, ties) = (golden.Int("n"), golden.GetProperty("ties").GetBoolean());
        var linkage = Enum.Parse<Linkage>(golden.Text("method")!, ignoreCase: true);
        var data = shared.Numbers(precomputed ? Condensed : "x");
        AgglomerativeResult Fit(int k)
        {
            var clustering = new AgglomerativeClustering { NClusters = k, Linkage = linkage };
            return precomputed ? clustering.FitDissimilarities(data, n) : clustering.Fit(data, n, data.Length / n);
        }
        var merges = Fit(1).Merges;
        var expected = golden.Numbers("linkage").Chunk(4).ToArray();
        Assert.Equal(expected.Length, merges.Count);
        // The weights of a minimum spanning tree are unique even where the tree is not.
        if (!ties || linkage == Linkage.Single)
        {
            Near.Equal([.. expected.Select(r => r[2])], [.. merges.Select(m => m.Height)], 0, Relative, $"{title} heights");
        }
        if (!ties)
        {
            Assert.Equal(expected.Select(r => ((int)r[0], (int)r[1], (int)r[3])), merges.Select(m => (m.A, m.B, m.Size)));
        }
        foreach (var perCount in golden.GetProperty("labels").EnumerateObject())
        {
            var k = int.Parse(perCount.Name);
            var found = Fit(k);
            Assert.Equal(k, found.Labels.Distinct().Count());
            CheckLabels(perCount.Value, k, ties, expected, found, $"{title}, {k} clusters");
        }
    }

    private static void CheckLabels(JsonElement golden, int k, bool ties, double[][] expected, AgglomerativeResult found, string what)
    {
        if (!ties)
        {
            Near.SamePartition(golden.Ints("sklearn"), found.Labels, what);
            Near.SamePartition(golden.Ints("scipy"), found.Labels, what);
        }
        else if (golden.Int("clusters") == k && golden.GetProperty("same_partition").GetBoolean())
        {
            // An unambiguous height: both libraries have k clusters there, and the same ones.
            var n = found.Labels.Length;
            var height = (expected[n - k - 1][2] + expected[n - k][2]) / 2;
            Assert.Equal(k, n - found.Merges.Count(m => m.Height <= height));
        }
    }
}
