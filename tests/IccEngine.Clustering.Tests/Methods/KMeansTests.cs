using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class KMeansTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    private static double[] Cloud(int n, int d, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, n * d).Select(_ => random.NextDouble() + random.NextDouble())];
    }

    public static TheoryData<int, int, int> Sizes() => new()
    {
        { 1, 1, 1 }, { 2, 3, 2 }, { 3, 1, 2 }, { 31, 33, 3 }, { 33, 31, 8 }, { 127, 2, 5 }, { 129, 3, 31 }, { 400, 17, 4 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void No_step_raises_the_inertia_and_exchanges_lower_it_further(int n, int d, int k)
    {
        var x = Cloud(n, d, n);
        var before = double.PositiveInfinity;
        KMeansResult Descend(KMeansAlgorithm algorithm, int steps) =>
            new KMeans { NClusters = k, Init = x[..(k * d)], MaxIter = steps, Tol = 0, Algorithm = algorithm }.Fit(_backend, x, n, d);
        for (var steps = 1; steps <= 12; steps++)
        {
            var inertia = Descend(KMeansAlgorithm.Lloyd, steps).Inertia;
            Assert.True(inertia <= before * (1 + 1e-12), $"{steps} steps: inertia {inertia:R} after {before:R}");
            before = inertia;
        }
        var (lloyd, refined) = (Descend(KMeansAlgorithm.Lloyd, 300), Descend(KMeansAlgorithm.Hartigan, 300));
        Assert.True(refined.Inertia <= lloyd.Inertia * (1 + 1e-12), $"refined {refined.Inertia:R}, Lloyd {lloyd.Inertia:R}");
        CheckConsistent(x, n, d, k, lloyd);
        CheckConsistent(x, n, d, k, refined);
        CheckNoExchangeGains(x, n, d, k, refined);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Weights_count_like_repetitions_and_order_does_not_matter(int n, int d, int k)
    {
        var x = Cloud(n, d, n + 1);
        var weights = Enumerable.Range(0, n).Select(i => 1.0 + i % 3).ToArray();
        var repeated = Enumerable.Range(0, n).SelectMany(i => Enumerable.Range(0, 1 + i % 3).SelectMany(_ => x[(i * d)..(i * d + d)])).ToArray();
        var kmeans = new KMeans { NClusters = k, Init = x[..(k * d)], Tol = 0, Algorithm = KMeansAlgorithm.Lloyd };
        var weighted = kmeans.Fit(_backend, x, n, d, weights);
        var plain = kmeans.Fit(_backend, repeated, repeated.Length / d, d);
        Near.Equal(plain.Centers, weighted.Centers, 1e-12, 0, "centres");
        Near.Equal(plain.Inertia, weighted.Inertia, 1e-12, 1e-12, "inertia");
        var reversed = kmeans.Fit(_backend, x.Chunk(d).Reverse().SelectMany(p => p).ToArray(), n, d, weights.Reverse().ToArray());
        Assert.Equal(weighted.Labels, reversed.Labels.Reverse());
    }

    [Theory]
    [InlineData(KMeansAlgorithm.Lloyd)]
    [InlineData(KMeansAlgorithm.Hartigan)]
    public void Far_blobs_are_found_and_seeds_repeat(KMeansAlgorithm algorithm)
    {
        const int n = 120;
        var x = Cloud(n, 2, 3);
        for (var i = 0; i < n; i++)
        {
            x[2 * i] += 10 * (i % 4);
        }
        var kmeans = new KMeans { NClusters = 4, RandomState = 7, Algorithm = algorithm };
        var found = kmeans.Fit(_backend, x, n, 2);
        Near.SamePartition([.. Enumerable.Range(0, n).Select(i => i % 4)], found.Labels, "blobs");
        var again = kmeans.Fit(_backend, x, n, 2);
        Assert.Equal(found.Labels, again.Labels);
        Assert.Equal(found.Centers, again.Centers);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Starts_side_by_side_go_as_each_would_alone_and_ask_no_more_than_the_longest(int n, int d, int k)
    {
        const int starts = 7;
        using var backend = new CountingBackend(new CpuBackend(2));
        var weights = Enumerable.Range(0, n).Select(i => i % 4 / 2.0 + 0.25).ToArray();
        using var problem = new KMeansProblem(backend, Cloud(n, d, n), n, d, k, weights, starts);
        double[] Start(int seed) => KMeansPlusPlus.Choose(problem, new SeededRandom(seed));
        var together = Lloyd.Run(problem, [.. Enumerable.Range(0, starts).Select(Start)], 300, 0);
        Assert.Equal(together.Max(r => r.NIter) + 1, backend.Assignments);
        for (var s = 0; s < starts; s++)
        {
            var alone = Lloyd.Run(problem, [Start(s)], 300, 0).Single();
            Assert.Equal(alone.Labels, together[s].Labels);
            Assert.Equal(alone.Centers, together[s].Centers);
            Assert.Equal((alone.Inertia, alone.NIter), (together[s].Inertia, together[s].NIter));
        }
    }

    [Fact]
    public void As_many_clusters_as_points_leaves_no_inertia_and_duplicates_are_reported()
    {
        var x = Cloud(31, 2, 4);
        Assert.Equal(0, new KMeans { NClusters = 31 }.Fit(_backend, x, 31, 2).Inertia);
        var same = new KMeans { NClusters = 3 }.Fit(_backend, [5, 5, 5, 5, 5], 5, 1);
        Assert.Equal(0, same.Inertia);
        Assert.Contains("found 1 distinct clusters, expected 3", Assert.Single(same.Warnings));
        // Every point with weight zero but one: the others are carried along.
        var single = new KMeans { NClusters = 2 }.Fit(_backend, [1, 2, 3], 3, 1, [0, 1, 0]);
        Assert.Equal(0, single.Inertia);
        Assert.Contains(2.0, single.Centers);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        void Refused(string part, KMeans kmeans, double[] x, int n, int d, double[]? weights = null) =>
            Assert.Contains(part, Assert.Throws<IccArgumentException>(() => kmeans.Fit(_backend, x, n, d, weights)).Message);
        var two = new KMeans { NClusters = 2 };
        Refused("found 0 points", two, [], 0, 2);
        Refused("found 0 columns", two, [], 2, 0);
        Refused("found 3 values, expected 2 points x 2 columns = 4", two, [1, 2, 3], 2, 2);
        Refused("point 1, column 0: found NaN", two, [1, 2, double.NaN, 4], 2, 2);
        Refused("point 0, column 1: found -Infinity", two, [1, double.NegativeInfinity, 3, 4], 2, 2);
        Refused("found 1E+200", two, [1, 1e200, 3, 4], 2, 2);
        Refused("nClusters: found 2, expected between 1 and 1", two, [1], 1, 1);
        Refused("nClusters: found 0", new KMeans { NClusters = 0 }, [1], 1, 1);
        Refused("nInit: found 0", new KMeans { NClusters = 1, NInit = 0 }, [1], 1, 1);
        Refused("maxIter: found 0", new KMeans { NClusters = 1, MaxIter = 0 }, [1], 1, 1);
        Refused("tol: found NaN", new KMeans { NClusters = 1, Tol = double.NaN }, [1], 1, 1);
        Refused("found 1 values, expected 2 points", new KMeans { NClusters = 2, Init = [1] }, [1, 2], 2, 1);
        Refused("sampleWeight: found 1 values, expected 2", two, [1, 2], 2, 1, [1]);
        Refused("sampleWeight, point 1: found -1", two, [1, 2], 2, 1, [1, -1]);
        Refused("sampleWeight, point 0: found NaN", two, [1, 2], 2, 1, [double.NaN, 1]);
        Refused("found zeros only", two, [1, 2], 2, 1, [0, 0]);
    }

    private static void CheckConsistent(double[] x, int n, int d, int k, KMeansResult found)
    {
        var inertia = 0.0;
        for (var i = 0; i < n; i++)
        {
            var squared = Enumerable.Range(0, k).Select(c => Squared(x, i, found.Centers, c, d)).ToArray();
            Assert.Equal(Array.IndexOf(squared, squared.Min()), found.Labels[i]);
            inertia += squared.Min();
        }
        Near.Equal(inertia, found.Inertia, 1e-12, 1e-12, "inertia");
    }

    /// <summary>By definition: move each point, compute both means anew, compare the whole inertia.</summary>
    private static void CheckNoExchangeGains(double[] x, int n, int d, int k, KMeansResult found)
    {
        for (var i = 0; i < Math.Min(n, 20); i++)
        {
            for (var c = 0; c < k; c++)
            {
                var labels = (int[])found.Labels.Clone();
                labels[i] = c;
                var inertia = Enumerable.Range(0, k).Sum(g => Scatter(x, d, [.. Enumerable.Range(0, n).Where(p => labels[p] == g)]));
                Assert.True(inertia >= found.Inertia * (1 - 1e-9) || found.Labels.Count(l => l == found.Labels[i]) == 1,
                    $"moving point {i} to {c} gives {inertia:R}, found {found.Inertia:R}");
            }
        }
    }

    private static double Scatter(double[] x, int d, int[] points)
    {
        var mean = new double[d];
        foreach (var p in points)
        {
            for (var j = 0; j < d; j++)
            {
                mean[j] += x[p * d + j] / points.Length;
            }
        }
        return points.Sum(p => Squared(x, p, mean, 0, d));
    }

    private static double Squared(double[] x, int i, double[] centers, int c, int d) =>
        Enumerable.Range(0, d).Sum(j => Math.Pow(x[i * d + j] - centers[c * d + j], 2));
}
