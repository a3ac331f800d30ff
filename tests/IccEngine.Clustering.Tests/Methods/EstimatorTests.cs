using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class EstimatorTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    private static double[] Cloud(int n, int d, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, n * d).Select(_ => random.NextNormal())];
    }

    private static void Refused(string part, Action act) => Assert.Contains(part, Assert.Throws<IccArgumentException>(act).Message);

    [Fact]
    public void Mini_batches_come_near_whole_descents()
    {
        var x = EpisodeSpec.Parse("normal:c=5,d=3,n=5000,count=1,seed=3").Generate().Single().X;
        var whole = new KMeans { NClusters = 5 }.Fit(_backend, x, 5000, 3);
        var found = new MiniBatchKMeans { NClusters = 5, BatchSize = 200 }.Fit(_backend, x, 5000, 3);
        Assert.InRange(found.Inertia, whole.Inertia * (1 - 1e-9), whole.Inertia * 1.1);
        Assert.Equal(found.Labels, found.Predict(x, 5000));
        Assert.Equal(found.Labels[3..4], found.Predict(x[9..12], 1));
        Refused("found 2 values, expected 1 points x 3 columns", () => found.Predict([1, 2], 1));
        Refused("batchSize: found 0", () => new MiniBatchKMeans { NClusters = 1, BatchSize = 0 }.Fit(_backend, [1], 1, 1));
        Refused("reassignmentRatio: found NaN", () => new MiniBatchKMeans { NClusters = 1, ReassignmentRatio = double.NaN }.Fit(_backend, [1], 1, 1));
        Refused("nClusters: found 8", () => new MiniBatchKMeans().Fit(_backend, [1], 1, 1));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(31, 3)]
    [InlineData(33, 2)]
    public void Chains_and_trees_find_what_always_merging_the_nearest_pair_finds(int n, int d)
    {
        var x = Cloud(n, d, n);
        foreach (var linkage in Enum.GetValues<Linkage>())
        {
            var found = new AgglomerativeClustering { NClusters = 1, Linkage = linkage }.Fit(x, n, d).Merges;
            Near.Equal(Naive(x, n, d, linkage), [.. found.Select(m => m.Height)], 1e-12, 1e-9, $"{linkage}");
        }
    }

    [Fact]
    public void Agglomerative_arguments_are_checked()
    {
        Refused("linkage: found ward", () => new AgglomerativeClustering().FitDissimilarities([1], 2));
        Refused("found 2 values for 2 points", () => new AgglomerativeClustering { Linkage = Linkage.Single }.FitDissimilarities([1, 2], 2));
        Refused("value 0: found -1", () => new AgglomerativeClustering { Linkage = Linkage.Single }.FitDissimilarities([-1], 2));
        Refused("nClusters: found 3", () => new AgglomerativeClustering { NClusters = 3 }.Fit([1, 2], 2, 1));
        Assert.Equal([0], new AgglomerativeClustering { NClusters = 1 }.Fit([1], 1, 1).Labels);
    }

    [Fact]
    public void Medoids_are_points_and_predict_the_nearest()
    {
        var x = Cloud(60, 2, 1);
        var found = new KMedoids { NClusters = 4 }.Fit(x, 60, 2);
        Assert.Equal(found.MedoidIndices.SelectMany(m => x[(2 * m)..(2 * m + 2)]), found.Medoids);
        Assert.Equal(found.Labels, found.Predict(x, 60));
        var single = new KMedoids { NClusters = 1 }.Fit(x, 60, 2);
        var sums = Enumerable.Range(0, 60).Select(m => Enumerable.Range(0, 60).Sum(i => Distance(x, i, m, 2))).ToArray();
        Assert.Equal(Array.IndexOf(sums, sums.Min()), Assert.Single(single.MedoidIndices));
        Assert.Equal(0, new KMedoids { NClusters = 60 }.Fit(x, 60, 2).Inertia);
        Refused("the medoids have no coordinates", () => new KMedoids { NClusters = 1 }.FitDissimilarities([1], 2).Predict([1], 1));
        Refused("initMedoids: found [0, 0]", () => new KMedoids { NClusters = 2, InitMedoids = [0, 0] }.Fit(x, 60, 2));
        Refused("initMedoids: found [60]", () => new KMedoids { NClusters = 1, InitMedoids = [60] }.Fit(x, 60, 2));
        Refused("nInit: found 0", () => new KMedoids { NClusters = 2, NInit = 0 }.Fit(x, 60, 2));
    }

    [Fact]
    public void Noise_is_no_cluster_and_duplicates_are_one()
    {
        var tight = Cloud(40, 2, 2).Select((v, i) => 0.1 * v + (i < 40 ? 0 : 10)).ToArray();
        var found = new Hdbscan().Fit([.. tight, 100, 100, -90, 40], 42, 2);
        Assert.Equal([-1, -1], found.Labels[40..]);
        Assert.Equal(2, found.Labels[..40].Where(l => l >= 0).Distinct().Count());
        var same = new Hdbscan { MinClusterSize = 3 }.Fit([.. Enumerable.Repeat(1.0, 6), .. Enumerable.Repeat(2.0, 6), 50], 13, 1);
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, -1], same.Labels);
        Assert.All(same.Probabilities[..12], p => Assert.Equal(1, p));
        // A chain of points that leave one by one is as deep as it is long.
        var chain = new Hdbscan { MinClusterSize = 2, MinSamples = 1 }.Fit([.. Enumerable.Range(0, 3000).Select(i => (double)i * i)], 3000, 1);
        Assert.Equal(3000, chain.Labels.Length);
        Refused("minClusterSize: found 1", () => new Hdbscan { MinClusterSize = 1 }.Fit([1, 2], 2, 1));
        Refused("minSamples: found 5, expected between 1 and 2", () => new Hdbscan().Fit([1, 2], 2, 1));
        Refused("found 1 points", () => new Hdbscan().Fit([1], 1, 1));
    }

    [Fact]
    public void Mixtures_tell_shapes_apart_and_say_what_they_cannot_fit()
    {
        // Two crossed stretched clusters: only full covariances can tell them apart.
        var random = new SeededRandom(4);
        var x = Enumerable.Range(0, 600).SelectMany(i => i % 2 == 0
            ? new[] { 5 * random.NextNormal(), 0.2 * random.NextNormal() } : [0.2 * random.NextNormal(), 5 * random.NextNormal()]).ToArray();
        var truth = Enumerable.Range(0, 600).Select(i => i % 2).ToArray();
        var full = new GaussianMixture { NComponents = 2, NInit = 10, InitParams = GaussianMixtureInit.Random, MaxIter = 500 }.Fit(_backend, x, 600, 2);
        Assert.True(Metrics.Accuracy(truth, full.Labels) > 0.9, $"{Metrics.Accuracy(truth, full.Labels)}");
        var tied = new GaussianMixture { NComponents = 2, CovarianceType = CovarianceType.Tied }.Fit(_backend, x, 600, 2);
        Assert.True(full.Bic(x, 600) < tied.Bic(x, 600));
        Near.Equal(1, full.PredictProba(x[..2], 1).Sum(), 1e-12, 0, "probabilities");
        Refused("component", () => new GaussianMixture { NComponents = 2, RegCovar = 0 }.Fit(_backend, [1, 1, 1], 3, 1));
        Refused("weightsInit", () => new GaussianMixture { NComponents = 2, WeightsInit = [1, 1] }.Fit(_backend, x, 600, 2));
        Refused("precisionsInit: found 1 values, expected 8", () => new GaussianMixture { NComponents = 2, PrecisionsInit = [1] }.Fit(_backend, x, 600, 2));
        Refused("precisionsInit: found a pivot", () => new GaussianMixture { NComponents = 1, PrecisionsInit = [1, 2, 2, 1] }.Fit(_backend, x, 600, 2));
        Refused("tol: found NaN", () => new GaussianMixture { Tol = double.NaN }.Fit(_backend, x, 600, 2));
        Refused("regCovar: found -1", () => new GaussianMixture { RegCovar = -1 }.Fit(_backend, x, 600, 2));
    }

    [Fact]
    public void Affinities_of_points_are_those_of_the_definitions()
    {
        using var backend = new ReferenceBackend<double>();
        foreach (var (n, d) in ((int, int)[])[(2, 1), (17, 3), (33, 2)])
        {
            var x = Cloud(n, d, 7 + n);
            Check(PointAffinity.Rbf(backend, x, n, d, 0.7), n, (i, j) => Math.Exp(-0.7 * Math.Pow(Distance(x, i, j, d), 2)));
            var k = Math.Min(5, n);
            bool Near(int i, int j) => Enumerable.Range(0, n).Count(m => Distance(x, i, m, d) < Distance(x, i, j, d)) < k;
            Check(PointAffinity.NearestNeighbors(backend, x, n, d, k), n, (i, j) => (Near(i, j) ? 0.5 : 0) + (Near(j, i) ? 0.5 : 0));
        }
        Refused("gamma: found 0", () => PointAffinity.Rbf(backend, [1, 2], 2, 1, 0));
        Refused("nNeighbors: found 3", () => PointAffinity.NearestNeighbors(backend, [1, 2], 2, 1, 3));

        void Check(Tensor affinity, int n, Func<int, int, double> expected)
        {
            using var memory = affinity.Buffer;
            var found = new double[n * n];
            backend.Read(affinity, found);
            for (var i = 0; i < n * n; i++)
            {
                Clustering.Tests.Near.Equal(i / n == i % n ? 0 : expected(i / n, i % n), found[i], 1e-15, 1e-12, $"n = {n}, entry {i}");
            }
        }
    }

    [Fact]
    public void The_silhouette_finds_the_number_of_far_clusters()
    {
        for (var k = 2; k <= 5; k++)
        {
            // Around the corners of a polygon.
            var x = Cloud(40 * k, 2, k).Select((v, i) => 0.3 * v + 5 * Math.Cos(2 * Math.PI * (i / 2 % k) / k - (i % 2) * Math.PI / 2)).ToArray();
            var choice = ClusterCount.BySilhouette(_backend, x, 40 * k, 2, to: 8);
            Assert.Equal(k, choice.NClusters);
            Assert.Equal(Enumerable.Range(2, 7), choice.Candidates.Select(c => c.NClusters));
            Assert.Equal(choice.Candidates.Max(c => c.Silhouette), Metrics.Silhouette(x, 40 * k, 2, choice.Labels));
        }
        Refused("two distinct clusters", () => ClusterCount.BySilhouette(_backend, [1, 1, 1, 1], 4, 1));
        Refused("from: found 1", () => ClusterCount.BySilhouette(_backend, [1, 2, 3], 3, 1, from: 1));
        Refused("found 2 points", () => ClusterCount.BySilhouette(_backend, [1, 2], 2, 1));
    }

    [Fact]
    public void Order_statistics_are_those_of_sorting()
    {
        var random = new SeededRandom(1);
        foreach (var n in (int[])[1, 2, 3, 31, 200])
        {
            var values = Enumerable.Range(0, n).Select(_ => (double)random.Next(n)).ToArray();
            var sorted = values.Order().ToArray();
            for (var rank = 0; rank < n; rank++)
            {
                Assert.Equal(sorted[rank], Selection.Smallest((double[])values.Clone(), rank));
            }
        }
    }

    private static double Distance(double[] x, int i, int j, int d) => Math.Sqrt(Enumerable.Range(0, d).Sum(c => Math.Pow(x[i * d + c] - x[j * d + c], 2)));

    /// <summary>Heights by definition: the nearest two clusters merge, every distance computed from the points.</summary>
    private static double[] Naive(double[] x, int n, int d, Linkage linkage)
    {
        var clusters = Enumerable.Range(0, n).Select(i => new[] { i }).ToList();
        var heights = new List<double>();
        double Between(int[] a, int[] b)
        {
            var pairs = a.SelectMany(i => b.Select(j => Distance(x, i, j, d))).ToArray();
            return linkage switch
            {
                Linkage.Single => pairs.Min(),
                Linkage.Complete => pairs.Max(),
                Linkage.Average => pairs.Average(),
                _ => Math.Sqrt(2 * (Scatter([.. a, .. b]) - Scatter(a) - Scatter(b))),
            };
        }
        double Scatter(int[] a) => a.SelectMany(i => a.Select(j => Math.Pow(Distance(x, i, j, d), 2))).Sum() / (2 * a.Length);
        while (clusters.Count > 1)
        {
            var best = clusters.SelectMany((a, i) => clusters.Skip(i + 1).Select(b => (a, b, Height: Between(a, b)))).MinBy(p => p.Height);
            heights.Add(best.Height);
            clusters.Remove(best.a);
            clusters.Remove(best.b);
            clusters.Add([.. best.a, .. best.b]);
        }
        return [.. heights];
    }
}
