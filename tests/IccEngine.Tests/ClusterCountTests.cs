using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.InContext;
using Xunit;

namespace IccEngine.Tests;

/// <summary>The number of clusters, estimated.</summary>
public sealed class ClusterCountTests : IDisposable
{
    private static readonly ClusterOptions _quick = new() { Permutations = 2 };
    private readonly IccModel _model = IccModel.LoadEmbedded("cpu", 1);

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Separate_groups_are_counted_and_clustered_as_if_the_number_had_been_given(int clusters)
    {
        var (points, truth) = Blobs(clusters, 40);
        var found = _model.Cluster(points, null, _quick with { Method = ClusterMethod.Both });
        Assert.Equal(clusters, found.Clusters);
        Assert.Equal(1, Metrics.Accuracy(truth, found.Labels));
        var given = _model.Cluster(points, clusters, _quick with { Method = ClusterMethod.Both });
        Assert.Equal(given.Results.Select(r => r.Labels), found.Results.Select(r => r.Labels));
        Assert.Equal((clusters, 0), (given.Clusters, given.Candidates.Count));
    }

    [Fact]
    public void Candidates_are_as_many_as_the_model_was_trained_on_and_have_every_criterion()
    {
        var found = _model.Cluster(Blobs(3, 30).Points, null, _quick);
        Assert.Equal([2, 3, 4, 5], found.Candidates.Select(c => c.NClusters));
        Assert.Equal(found.Clusters, found.Candidates.MaxBy(c => c.Score)!.NClusters);
        Assert.Equal(1, found.Candidates.Sum(c => c.Probability!.Value), 1e-12);
        Assert.All(found.Candidates, c =>
        {
            var given = _model.Cluster(Blobs(3, 30).Points, c.NClusters, _quick with { Method = ClusterMethod.Both, ReturnAffinity = true, Permutations = 2 });
            using var backend = Device.Open("reference");
            var embedding = SpectralEmbedding.Fit(backend, given.Results[0].Affinity!, 30, c.NClusters + 1);
            Assert.Equal(embedding.Eigenvalues[^1] - embedding.Eigenvalues[^2], c.Eigengap!.Value, 1e-8);
            Assert.Equal(Metrics.Silhouette(Blobs(3, 30).Points.Values, 30, 2, given.Labels), c.PointSilhouette!.Value, 1e-9);
            Assert.InRange(c.EmbeddingSilhouette!.Value, -1, 1);
        });
        var answer = _model.Cluster(Blobs(3, 30).Points, 4, new ClusterOptions { Method = ClusterMethod.Generate }).Results[0].Answers[0];
        Assert.Equal(answer.LogProbability / 30, found.Candidates[2].LogProbability!.Value, 1e-6);
    }

    [Fact]
    public void The_range_is_the_callers()
    {
        var found = _model.Cluster(Blobs(3, 20).Points, null, _quick with { MinClusters = 3, MaxClusters = 4 });
        Assert.Equal([3, 4], found.Candidates.Select(c => c.NClusters));
        Assert.Equal([2, 3], _model.Cluster(Blobs(2, 4).Points, null, _quick).Candidates.Select(c => c.NClusters));
    }

    [Theory]
    [InlineData(2, null, null)]
    [InlineData(20, 1, null)]
    [InlineData(20, 20, null)]
    [InlineData(20, 4, 3)]
    [InlineData(20, null, 1)]
    public void A_range_without_a_number_is_refused(int points, int? least, int? most)
    {
        var options = _quick with { MinClusters = least, MaxClusters = most };
        Assert.Throws<IccArgumentException>(() => _model.Cluster(Blobs(2, points).Points, null, options));
        Assert.Throws<IccArgumentException>(() => _model.Cluster(Blobs(2, points).Points, null, options.With("ward")));
    }

    [Fact]
    public void Methods_without_a_model_go_by_the_silhouette_of_kmeans()
    {
        var (points, truth) = Blobs(4, 60);
        var found = _model.Cluster(points, null, new ClusterOptions().With("ward"));
        using var backend = new CpuBackend(1);
        var expected = ClusterCount.BySilhouette(backend, points.Values, 60, 2);
        Assert.Equal(4, found.Clusters);
        Assert.Equal(1, Metrics.Accuracy(truth, found.Labels));
        Assert.Equal(expected.Candidates.Select(c => c.Silhouette), found.Candidates.Select(c => c.PointSilhouette));
        Assert.All(found.Candidates, c => Assert.True(c.Eigengap is null && c.LogProbability is null && c.Probability is null));
        var density = _model.Cluster(points, null, new ClusterOptions().With("hdbscan"));
        Assert.Equal((4, 0), (density.Clusters, density.Candidates.Count));
    }

    [Fact]
    public void Representatives_are_counted_for_all()
    {
        var (points, truth) = Blobs(3, 150);
        var found = _model.Cluster(points, null, _quick with { Representatives = 40, MaxClusters = 4 });
        Assert.Equal(3, found.Clusters);
        Assert.True(Metrics.Accuracy(truth, found.Labels) > 0.95);
    }

    [Fact]
    public void A_mean_over_orders_is_one_over_orders_of_the_features_too()
    {
        var points = new PointSet([.. Blobs(3, 20).Points.Values], 10, 4);
        var found = _model.Cluster(points, 3, new ClusterOptions { Permutations = 3, Seed = 5, Symmetrisation = Symmetrisation.Mean, ReturnAffinity = true }).Results[0].Affinity!;
        var (orders, features) = (SubsetPlan.Orders(10, 3, 5), SubsetPlan.Features(4, 3, 5));
        Assert.Equal([0, 1, 2, 3], features[0]);
        Assert.Contains(features, f => !f.SequenceEqual(features[0]));
        var mean = new double[100];
        for (var m = 0; m < 3; m++)
        {
            var shown = new PointSet([.. orders[m].SelectMany(i => features[m].Select(f => points.Row(i)[f]))], 10, 4);
            var one = _model.Cluster(shown, 3, new ClusterOptions { Permutations = 1, ReturnAffinity = true }).Results[0].Affinity!;
            for (var i = 0; i < 100; i++)
            {
                mean[orders[m][i / 10] * 10 + orders[m][i % 10]] += one[i] / 3;
            }
        }
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(mean[i], found[i], 1e-5);
        }
    }

    private static (PointSet Points, int[] Truth) Blobs(int clusters, int n)
    {
        var random = new SeededRandom(9);
        double[][] centres = [[-9, 0], [9, 1], [0, 9], [1, -9]];
        int[] truth = [.. Enumerable.Range(0, n).Select(i => i % clusters)];
        return (PointSet.FromRows([.. truth.Select(c => centres[c].Select(v => v + random.NextDouble()).ToArray())]), truth);
    }
}
