using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class AttentionQuantiserTests
{
    /// <summary>n points of a mixture of N(m_c, sigma^2 I) with equal weights, in turn.</summary>
    private static double[] Mixture(double[] centers, int k, int d, int n, double sigma, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, n * d).Select(i => centers[i / d % k * d + i % d] + sigma * random.NextNormal())];
    }

    [Fact]
    public void At_one_over_the_noise_the_layer_gives_the_point_and_the_posterior_mean_of_the_centroids()
    {
        const int d = 2, k = 3, n = 300_000;
        const double sigma = 0.8;
        // Equal norms, as the statement asks for.
        var centers = Enumerable.Range(0, k).SelectMany(c => new[] { 1.5 * Math.Cos(2 * c), 1.5 * Math.Sin(2 * c) }).ToArray();
        var x = Mixture(centers, k, d, n, sigma, 1);
        double[] z = [0.9, 0.2, -0.5, 0.8, 0.1, -0.7];
        var made = IdentityAttention.Apply(z, 3, x, n, d, 1 / (sigma * sigma));
        for (var q = 0; q < 3; q++)
        {
            var posterior = Enumerable.Range(0, k).Select(c => Math.Exp(-Squared(z, q, centers, c, d) / (2 * sigma * sigma))).ToArray();
            for (var j = 0; j < d; j++)
            {
                var mean = Enumerable.Range(0, k).Sum(c => posterior[c] * centers[c * d + j]) / posterior.Sum();
                // 300,000 points, their weights spread by exp of a normal number of deviation |z| / sigma, about 1: an error of about 0.005.
                Near.Equal(mean, made[q * d + j] - z[q * d + j], 0.025, 0, $"query {q}, column {j}");
            }
        }
    }

    [Fact]
    public void Equal_norms_make_it_the_mean_under_a_gaussian_kernel()
    {
        double[] x = [0, 0, 1, 0, 0, 2, 3, 3], z = [0.5, 0.5, -1, 4];
        var made = IdentityAttention.Apply(z, 2, x, 4, 2, scale: 0.7, equalNorms: true);
        var plain = IdentityAttention.Apply(z, 2, x, 4, 2, scale: 0.7);
        for (var q = 0; q < 2; q++)
        {
            var kernel = Enumerable.Range(0, 4).Select(i => Math.Exp(-0.35 * Squared(z, q, x, i, 2))).ToArray();
            var scores = Enumerable.Range(0, 4).Select(i => Math.Exp(0.7 * (z[2 * q] * x[2 * i] + z[2 * q + 1] * x[2 * i + 1]))).ToArray();
            for (var j = 0; j < 2; j++)
            {
                Near.Equal(Enumerable.Range(0, 4).Sum(i => kernel[i] * x[2 * i + j]) / kernel.Sum(), made[2 * q + j], 1e-14, 1e-13, "kernel");
                Near.Equal(Enumerable.Range(0, 4).Sum(i => scores[i] * x[2 * i + j]) / scores.Sum(), plain[2 * q + j], 1e-14, 1e-13, "scores");
            }
        }
    }

    [Theory]
    [InlineData(2, 1, 60)]
    [InlineData(3, 2, 90)]
    [InlineData(4, 3, 200)]
    [InlineData(5, 8, 700)]
    public void Iterated_it_recovers_the_centroids_and_the_clusters_of_a_mixture(int k, int d, int n)
    {
        var centers = new double[k * d];
        for (var c = 0; c < k; c++)
        {
            centers[c * d + c % d] = 9 * (1 + c / d) * (c % 2 == 0 ? 1 : -1);
        }
        var x = Mixture(centers, k, d, n, 1, 7);
        var found = new AttentionQuantiser { NClusters = k }.Fit(x, n, d);
        Assert.Empty(found.Warnings);
        Near.SamePartition([.. Enumerable.Range(0, n).Select(i => i % k)], found.Labels, $"k = {k}, d = {d}");
        for (var c = 0; c < k; c++)
        {
            var nearest = Enumerable.Range(0, k).Min(f => Math.Sqrt(Squared(centers, c, found.Centers, f, d)));
            // Means of n / k points are sqrt(d k / n) off; the places are modes, some times that.
            Assert.True(nearest < 4 * Math.Sqrt((double)d * k / n), $"centroid {c}: {nearest} away");
        }
        Assert.Equal(found.Labels, new AttentionQuantiser { NClusters = k }.Fit(x, n, d).Labels);
    }

    [Fact]
    public void Far_points_duplicates_and_single_points_do_not_stop_it()
    {
        double[] x = [1, 1, 1, 1, 1e9, -5, -5, -5, -5];
        var far = new AttentionQuantiser { NClusters = 2 }.Fit(x, 9, 1);
        Assert.Equal([far.Labels[0], far.Labels[5]], ((int[])[0, 1]).OrderBy(l => l == far.Labels[0] ? 0 : 1));
        Assert.Single(far.Labels[..4].Distinct());
        Assert.Single(far.Labels[5..].Distinct());
        var same = new AttentionQuantiser { NClusters = 2 }.Fit([3, 3, 3], 3, 1);
        Assert.Contains("found 1 distinct clusters, expected 2", Assert.Single(same.Warnings));
        Assert.Equal([0], new AttentionQuantiser { NClusters = 1 }.Fit([4], 1, 1).Labels);
        Assert.Equal(3, new AttentionQuantiser { NClusters = 3 }.Fit([1, 2, 4], 3, 1).Labels.Distinct().Count());
        var huge = new AttentionQuantiser { NClusters = 2 }.Fit([1e140, -1e140, 1e140, 0], 4, 1);
        Assert.Equal(huge.Labels[0], huge.Labels[2]);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        void Refused(string part, Action act) => Assert.Contains(part, Assert.Throws<IccArgumentException>(act).Message);
        Refused("nClusters: found 3", () => new AttentionQuantiser { NClusters = 3 }.Fit([1, 2], 2, 1));
        Refused("maxQueries: found 1", () => new AttentionQuantiser { NClusters = 2, MaxQueries = 1 }.Fit([1, 2], 2, 1));
        Refused("maxLayers: found 0", () => new AttentionQuantiser { NClusters = 1, MaxLayers = 0 }.Fit([1, 2], 2, 1));
        Refused("scale: found 0", () => IdentityAttention.Apply([1], 1, [1], 1, 1, 0));
        Refused("point 1, column 0: found NaN", () => new AttentionQuantiser { NClusters = 1 }.Fit([1, double.NaN], 2, 1));
    }

    private static double Squared(double[] a, int i, double[] b, int j, int d) => Enumerable.Range(0, d).Sum(c => Math.Pow(a[i * d + c] - b[j * d + c], 2));
}
