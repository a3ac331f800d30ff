using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class TwoHeadAttentionTests
{
    private static double[] Normals(int count, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
    }

    private static HeadMoments Moments(bool ofPoints, int d, long seed)
    {
        var (x, random) = (Normals(37 * d, seed), new SeededRandom(seed));
        return ofPoints
            ? HeadMoments.OfPoints(x, 37, d)
            : HeadMoments.OfMixture(x[..(3 * d)], 3, d, 0.2 + random.NextDouble(), [0.2, 0.5, 0.3]);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(false, 7)]
    [InlineData(true, 1)]
    [InlineData(true, 3)]
    [InlineData(true, 8)]
    public void The_gradient_is_that_of_finite_differences(bool ofPoints, int d)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            // Heads of any length: the formula has to hold off the sphere as well.
            var (layer, heads) = (new TwoHeadAttention(Moments(ofPoints, d, seed), scale: 0.1, regularisation: 0.3), Normals(2 * d, 100 + seed));
            var (gradient, size) = (layer.Gradient(heads), Math.Abs(layer.Risk(heads)));
            const double step = 1e-5;
            for (var i = 0; i < heads.Length; i++)
            {
                double At(double offset)
                {
                    var moved = (double[])heads.Clone();
                    moved[i] += offset;
                    return layer.Risk(moved);
                }
                // Central differences: an error of step^2 and of rounding over step, each far below this.
                Near.Equal((At(step) - At(-step)) / (2 * step), gradient[i], 1e-8 * (1 + size), 1e-6, $"d = {d}, entry {i}");
            }
        }
    }

    [Fact]
    public void The_closed_form_of_the_risk_is_the_mean_over_the_mixture()
    {
        const int d = 3, n = 400_000;
        double[] centers = [1, 0.5, -0.3, -0.2, 0.9, 0.4];
        double[] weights = [0.3, 0.7];
        const double sigma = 0.4;
        var layer = new TwoHeadAttention(HeadMoments.OfMixture(centers, 2, d, sigma, weights), scale: 0.5, regularisation: 0.7);
        var heads = Normals(2 * d, 3);
        var (random, x) = (new SeededRandom(9), new double[n * d]);
        for (var i = 0; i < n; i++)
        {
            var c = random.NextDouble() < weights[0] ? 0 : 1;
            for (var j = 0; j < d; j++)
            {
                x[i * d + j] = centers[c * d + j] + sigma * random.NextNormal();
            }
        }
        // By definition: what the layer leaves of each point, and both heads' readings of it.
        var made = layer.Apply(heads, x, n);
        double Term(int i)
        {
            double left = 0, a = 0, b = 0;
            for (var j = 0; j < d; j++)
            {
                left += Math.Pow(x[i * d + j] - made[i * d + j], 2);
                a += x[i * d + j] * heads[j];
                b += x[i * d + j] * heads[d + j];
            }
            return left + 0.7 * a * a * b * b;
        }
        var terms = Enumerable.Range(0, n).Select(Term).ToArray();
        var mean = terms.Average();
        var error = Math.Sqrt(terms.Average(t => (t - mean) * (t - mean)) / n);
        Near.Equal(mean, layer.Risk(heads), 5 * error, 0, "risk");
        Assert.True(error < 0.02 * mean);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(16)]
    public void Training_on_a_mixture_recovers_its_centroids(int d)
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var centers = Orthonormal(d, seed);
            var layer = new TwoHeadAttention(HeadMoments.OfMixture(centers, 2, d, 0.3));
            CheckRecovered(centers, layer.Train(seed), d, 0.999);
        }
    }

    [Fact]
    public void Training_on_unlabelled_points_recovers_the_centroids()
    {
        const int d = 4, n = 4000;
        var (centers, random) = (Orthonormal(d, 3), new SeededRandom(4));
        var x = Enumerable.Range(0, n * d).Select(i => centers[i / d % 2 * d + i % d] + 0.3 * random.NextNormal()).ToArray();
        CheckRecovered(centers, new TwoHeadAttention(HeadMoments.OfPoints(x, n, d)).Train(1), d, 0.99);
    }

    [Fact]
    public void Without_the_regularisation_heads_need_not_be_centroids_but_lie_in_their_plane()
    {
        const int d = 6;
        var centers = Orthonormal(d, 5);
        var layer = new TwoHeadAttention(HeadMoments.OfMixture(centers, 2, d, 0.3), regularisation: 0);
        var turned = 0;
        for (var seed = 0; seed < 6; seed++)
        {
            var heads = layer.Train(seed);
            for (var j = 0; j < 2; j++)
            {
                var (a, b) = (Cosine(heads, j, centers, 0, d), Cosine(heads, j, centers, 1, d));
                Near.Equal(1, a * a + b * b, 1e-3, 0, $"seed {seed}, head {j} in the plane");
                turned += Math.Max(Math.Abs(a), Math.Abs(b)) < 0.99 ? 1 : 0;
            }
        }
        Assert.True(turned > 0, "every head was a centroid without the term that is there for it");
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        void Refused(string part, Action act) => Assert.Contains(part, Assert.Throws<IccArgumentException>(act).Message);
        var moments = HeadMoments.OfMixture([1, 0, 0, 1], 2, 2, 0.1);
        Refused("scale NaN", () => new TwoHeadAttention(moments, double.NaN));
        Refused("regularisation -1", () => new TwoHeadAttention(moments, 1, -1));
        Refused("heads: found 3 values, expected 4", () => new TwoHeadAttention(moments).Risk([1, 2, 3]));
        Refused("steps: found 0", () => new TwoHeadAttention(moments).Train(steps: 0));
        Refused("sigma: found -1", () => HeadMoments.OfMixture([1], 1, 1, -1));
        Refused("weights", () => HeadMoments.OfMixture([1, 2], 2, 1, 1, [1, 0]));
        Refused("point 0, column 0: found NaN", () => HeadMoments.OfPoints([double.NaN], 1, 1));
    }

    /// <summary>Two random unit vectors at a right angle, [2, d].</summary>
    private static double[] Orthonormal(int d, long seed)
    {
        var (u, v) = (Normals(d, 50 + seed), Normals(d, 80 + seed));
        double Norm(double[] a) => Math.Sqrt(a.Sum(e => e * e));
        u = Array.ConvertAll(u, e => e / Norm(u));
        var along = u.Zip(v, (a, b) => a * b).Sum();
        v = [.. v.Zip(u, (b, a) => b - along * a)];
        return [.. u, .. Array.ConvertAll(v, e => e / Norm(v))];
    }

    private static double Cosine(double[] heads, int j, double[] centers, int c, int d) =>
        Enumerable.Range(0, d).Sum(i => heads[j * d + i] * centers[c * d + i]);

    /// <summary>Each head along a centroid of its own, up to its sign.</summary>
    private static void CheckRecovered(double[] centers, double[] heads, int d, double least)
    {
        var straight = Math.Min(Math.Abs(Cosine(heads, 0, centers, 0, d)), Math.Abs(Cosine(heads, 1, centers, 1, d)));
        var crossed = Math.Min(Math.Abs(Cosine(heads, 0, centers, 1, d)), Math.Abs(Cosine(heads, 1, centers, 0, d)));
        Assert.True(Math.Max(straight, crossed) >= least, $"cosines {straight:R} and {crossed:R}, expected one of at least {least}");
    }
}
