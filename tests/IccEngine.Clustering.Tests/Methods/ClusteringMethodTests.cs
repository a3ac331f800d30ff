using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class ClusteringMethodTests
{
    public static TheoryData<string> Names() => [.. ClusteringMethod.All.Select(m => m.Name)];

    /// <summary>k far clusters of m points, in turn.</summary>
    private static double[] Blobs(int k, int m, int d, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, k * m * d).Select(i => (i % d == 0 ? 6.0 * (i / d % k) : 0) + 0.5 * random.NextNormal())];
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_method_finds_far_clusters_and_repeats(string name)
    {
        var method = ClusteringMethod.Find(name);
        using var backend = new ReferenceBackend<double>();
        foreach (var d in (int[])[1, 3])
        {
            var x = Blobs(3, 21, d, d);
            var found = method.Fit(backend, x, 63, d, new ClusteringRequest(3, 4));
            // Every fifth seed of a single k-means++ start may be unlucky; noise of HDBSCAN belongs to nobody.
            Assert.True(Metrics.Accuracy([.. Enumerable.Range(0, 63).Select(i => i % 3)], found.Labels) > 0.9, $"{name}: [{string.Join(",", found.Labels)}]");
            Assert.Equal(found.Labels, method.Fit(backend, x, 63, d, new ClusteringRequest(3, 4)).Labels);
            Assert.True(found.Confidence is null || found.Confidence.Length == 63 && found.Confidence.All(c => c is >= 0 and <= 1));
        }
    }

    /// <summary>
    /// The weight of the far point falls from 1e-16 to none. Its row of the normalised matrix is so small beside the others that a solver whose errors
    /// are those of the largest entry, divided by the root of its degree, would place it anywhere, and the clusters with it.
    /// </summary>
    [Theory]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(28)]
    [InlineData(1e6)]
    public void A_far_point_does_not_disturb_a_gaussian_kernel(double distance)
    {
        using var backend = new ReferenceBackend<double>();
        var random = new SeededRandom(2);
        var x = Enumerable.Range(0, 120).SelectMany(i => new[] { 4.0 * (i % 3), 0.0 }.Select(v => v + 0.3 * random.NextNormal())).Append(8).Append(distance).ToArray();
        foreach (var n in (int[])[40, 121]) // dense, and Lanczos
        {
            double[] points = [.. x[..(2 * (n - 1))], .. x[^2..]];
            var labels = ClusteringMethod.Find("spectral-rbf").Fit(backend, points, n, 2, new ClusteringRequest(3)).Labels;
            Assert.Equal(1, Metrics.AdjustedRandIndex([.. Enumerable.Range(0, n - 1).Select(i => i % 3)], labels.AsSpan(0, n - 1)), 9);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Small_and_degenerate_points_get_labels_or_one_clear_error(string name)
    {
        var method = ClusteringMethod.Find(name);
        using var backend = new ReferenceBackend<double>();
        double[][] sets =
        [
            [5], [1, 2], [3, 3, 3], [0, 0, 0, 0, 1, 1], [1e140, -1e140, 0, 1, 2, 1e-300], [1, 2, 4, 8, 16, 32, 64],
            [.. Enumerable.Repeat(2.0, 40)], [.. Enumerable.Range(0, 30).Select(i => (double)(i % 2))],
        ];
        foreach (var x in sets)
        {
            for (var k = 1; k <= Math.Min(x.Length, 6); k++)
            {
                try
                {
                    var labels = method.Fit(backend, x, x.Length, 1, new ClusteringRequest(k)).Labels;
                    Assert.Equal(x.Length, labels.Length);
                    Assert.All(labels, l => Assert.InRange(l, -1, method.FindsNClusters ? x.Length - 1 : k - 1));
                }
                catch (IccArgumentException e)
                {
                    Assert.True(name.StartsWith("gmm", StringComparison.Ordinal), $"{name}, k = {k}, [{string.Join(",", x)}]: {e.Message}");
                    Assert.DoesNotContain('\n', e.Message);
                }
            }
        }
        Assert.Throws<IccArgumentException>(() => method.Fit(backend, [double.NaN], 1, 1, new ClusteringRequest(1)));
        Assert.Throws<IccArgumentException>(() => method.Fit(backend, [], 0, 1, new ClusteringRequest(1)));
    }

    [Fact]
    public void Names_are_unique_and_a_wrong_one_lists_them()
    {
        Assert.Equal(ClusteringMethod.All.Count, ClusteringMethod.All.Select(m => m.Name).Distinct().Count());
        var message = Assert.Throws<IccArgumentException>(() => ClusteringMethod.Find("wrd\n")).Message;
        Assert.All(ClusteringMethod.All, m => Assert.Contains(m.Name, message));
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void The_square_of_too_many_points_is_refused_before_it_is_asked_for()
    {
        const int n = 3_000_000;
        var x = new double[n];
        using var backend = new ReferenceBackend<double>();
        foreach (var name in (string[])["average", "complete", "kmedoids", "spectral-rbf", "spectral-knn"])
        {
            var error = Assert.Throws<IccMemoryException>(() => ClusteringMethod.Find(name).Fit(backend, x, n, 1, new ClusteringRequest(2)));
            Assert.DoesNotContain('\n', error.Message);
        }
    }
}
