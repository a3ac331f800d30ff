using System.Text.Json;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class KMedoidsGoldens
{
    private const double Relative = 1e-9;
    private const double NearBest = 1.01;

    public static TheoryData<string?> Cases() => GoldenFile.Names("kmedoids.json");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Losses_lie_where_FasterPAM_gets(string? name)
    {
        var golden = GoldenFile.Case(name, "kmedoids.json");
        var (n, between) = (golden.Int("n"), golden.Numbers("dissimilarity_upper_triangle_by_rows"));
        foreach (var perCount in golden.GetProperty("k").EnumerateObject())
        {
            var (k, expected) = (int.Parse(perCount.Name), perCount.Value);
            var single = new KMedoids { NClusters = k, InitMedoids = expected.Ints("start_medoids") }.FitDissimilarities(between, n);
            var best = new KMedoids { NClusters = k, NInit = 20 }.FitDissimilarities(between, n);
            var built = new KMedoids { NClusters = k, Init = KMedoidsInit.Build }.FitDissimilarities(between, n);
            Check(between, n, single);
            Check(between, n, best);
            Check(between, n, built);
            var (least, most) = (expected.Number("best_loss_of_100"), expected.Number("worst_loss_of_100"));
            Assert.InRange(single.Inertia, least * (1 - Relative), most * (1 + Relative));
            Assert.True(best.Inertia <= NearBest * least, $"{name}, k = {k}: best of 20 starts {best.Inertia:R}, best known {least:R}");
            Assert.True(built.Inertia <= expected.Number("pam_build_only_loss") * (1 + Relative), $"{name}, k = {k}: exchanges raised the loss of BUILD");
            if (expected.TryGetProperty("exhaustive_optimum", out var optimum) && optimum.ValueKind == JsonValueKind.Number)
            {
                Assert.All([single, best, built], f => Assert.True(f.Inertia >= optimum.GetDouble() * (1 - Relative), $"{f.Inertia:R} is below the optimum"));
            }
        }
    }

    /// <summary>Loss and labels by definition.</summary>
    private static void Check(double[] condensed, int n, KMedoidsResult found)
    {
        double Between(int i, int j) => i == j ? 0 : condensed[Math.Min(i, j) * (2 * n - Math.Min(i, j) - 1) / 2 + Math.Abs(i - j) - 1];
        var loss = 0.0;
        for (var i = 0; i < n; i++)
        {
            var distances = found.MedoidIndices.Select(m => Between(i, m)).ToArray();
            Assert.Equal(distances.Min(), distances[found.Labels[i]]);
            loss += distances.Min();
        }
        Near.Equal(loss, found.Inertia, 0, Relative, "loss");
    }
}
