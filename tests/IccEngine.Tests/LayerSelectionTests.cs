using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Which layers and heads are read, and how the layer is found without labels.</summary>
public sealed class LayerSelectionTests : IDisposable
{
    private static readonly ClusterOptions _scored = new() { Permutations = 2, LayerScores = true };
    private readonly IccModel _model = IccModel.LoadEmbedded("cpu", 1);
    private readonly Episode _episode = EpisodeSpec.Parse("t:c=3,d=2,n=30,df=5,count=1,seed=4").Generate().First();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Auto_takes_the_layer_with_the_best_score_and_what_that_layer_gives()
    {
        var found = Cluster(new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 2, ReturnAffinity = true });
        Assert.Equal(_model.Model.Config.NumHiddenLayers, found.LayerScores.Count);
        Assert.Equal(found.LayerScores.MaxBy(s => s.Score)!.Layer, found.Layer);
        var alone = Cluster(new ClusterOptions { Layer = found.Layer, Permutations = 2, ReturnAffinity = true });
        Assert.Equal(alone.Labels, found.Labels);
        Assert.Equal(alone.Affinity, found.Affinity);
        Assert.Empty(alone.LayerScores);
    }

    [Fact]
    public void Scores_do_not_depend_on_what_is_read()
    {
        var auto = Cluster(new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 2 });
        Assert.Equal(auto.LayerScores, Cluster(_scored).LayerScores.Where(s => s.Head is null));
        Assert.Equal(auto.LayerScores, Cluster(_scored with { Layer = LayerSelection.Range(1, 2) }).LayerScores.Where(s => s.Head is null));
    }

    [Fact]
    public void Scores_are_what_their_definitions_say()
    {
        foreach (var score in Cluster(new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 2 }).LayerScores)
        {
            var layer = Cluster(new ClusterOptions { Layer = score.Layer, Permutations = 2, ReturnAffinity = true });
            var (n, a) = (layer.Labels.Length, layer.Affinity!);
            var total = a.Sum();
            var modularity = 0.0;
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    var expected = a.AsSpan(i * n, n).ToArray().Sum() * a.AsSpan(j * n, n).ToArray().Sum() / total;
                    modularity += layer.Labels[i] == layer.Labels[j] ? (a[i * n + j] - expected) / total : 0;
                }
            }
            using var backend = Device.Open("reference");
            var embedding = SpectralEmbedding.Fit(backend, a, n, 4, new SpectralOptions { EigenSolver = EigenSolver.Dense });
            Assert.Equal(modularity, score.Modularity, 1e-9);
            Assert.Equal(embedding.Eigenvalues[3] - embedding.Eigenvalues[2], score.Eigengap, 1e-8);
            Assert.InRange(score.Silhouette, -1, 1);
            Assert.InRange(score.Reproducibility, -1, 1);
        }
    }

    [Fact]
    public void Heads_are_scored_as_if_each_were_read()
    {
        var all = Cluster(_scored).LayerScores;
        var (layers, heads) = (_model.Model.Config.NumHiddenLayers, _model.Model.Config.NumAttentionHeads);
        Assert.Equal(
            from layer in Enumerable.Range(0, layers) from head in Enumerable.Range(-1, heads + 1) select (layer, head),
            all.Select(s => (s.Layer, s.Head ?? -1)));
        var second = Cluster(_scored with { Head = 1 }).LayerScores;
        Assert.Equal(second.Select(s => s with { Head = 1 }), all.Where(s => s.Head == 1));
    }

    [Fact]
    public void One_order_is_compared_with_a_second_one_and_labelled_by_itself()
    {
        var auto = Cluster(new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 1, ReturnAffinity = true });
        var two = Cluster(new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 2 });
        Assert.Equal(two.LayerScores.Select(s => s.Reproducibility), auto.LayerScores.Select(s => s.Reproducibility));
        Assert.Equal(two.Layer, auto.Layer);
        Assert.Equal(Cluster(new ClusterOptions { Layer = auto.Layer, Permutations = 1, ReturnAffinity = true }).Affinity, auto.Affinity);
    }

    [Fact]
    public void The_layer_that_was_trained_to_show_clusters_is_found_on_generated_episodes()
    {
        foreach (var episode in EpisodeSpec.Parse("t:c=2/4,d=1/3,df=1/5,count=2,seed=90").Generate())
        {
            var points = new PointSet(episode.X, episode.N, episode.D);
            var fixedLayer = _model.Cluster(points, episode.NClusters, new ClusterOptions { Permutations = 4 }).Results[0];
            var auto = _model.Cluster(points, episode.NClusters, new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 4 }).Results[0];
            Assert.Equal(fixedLayer.Layer, auto.Layer);
            Assert.Equal(fixedLayer.Labels, auto.Labels);
        }
    }

    [Theory]
    [InlineData(Symmetrisation.Mean, 1)]
    [InlineData(Symmetrisation.Power, 0.25)]
    public void A_range_is_the_mean_of_its_layers(Symmetrisation symmetrisation, double exponent)
    {
        var options = new ClusterOptions { Permutations = 1, ReturnAffinity = true, Symmetrisation = symmetrisation };
        var layers = new[] { 1, 2, 3 }.Select(l => Cluster(options with { Layer = l }).Affinity!).ToArray();
        var range = Cluster(options with { Layer = LayerSelection.Range(1, 3) });
        Assert.Equal((1, 3), (range.Layer, range.LastLayer));
        for (var i = 0; i < range.Affinity!.Length; i++)
        {
            Assert.Equal(Math.Pow(layers.Average(l => Math.Pow(l[i], exponent)), 1 / exponent), range.Affinity[i], 1e-9);
        }
    }

    [Fact]
    public void Heads_are_read_by_themselves()
    {
        var heads = Enumerable.Range(0, _model.Model.Config.NumAttentionHeads)
            .Select(h => Cluster(new ClusterOptions { Head = h, Permutations = 1, ReturnAffinity = true })).ToArray();
        Assert.Equal(heads.Length, heads.Select(h => h.Affinity!.Sum(v => v * v)).Distinct().Count());
        Assert.Equal(Enumerable.Range(0, heads.Length), heads.Select(h => h.Head!.Value));
        Assert.Throws<IccArgumentException>(() => Cluster(new ClusterOptions { Head = heads.Length }));
        Assert.Throws<IccArgumentException>(() => Cluster(new ClusterOptions { Head = -1 }));
    }

    [Fact]
    public void Without_labels_the_answer_is_the_same()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "points.csv");
        string[] rows = [.. Enumerable.Range(0, _episode.N).Select(i => FormattableString.Invariant($"{_episode.X[2 * i]:R},{_episode.X[2 * i + 1]:R}"))];
        var options = new ClusterOptions { Layer = LayerSelection.Auto, Permutations = 2 };
        File.WriteAllLines(path, rows.Prepend("a,b"));
        var without = TableClustering.Cluster(_model, path, new TableOptions(), 3, options: options).Result.Results[0];
        File.WriteAllLines(path, rows.Select((r, i) => $"{r},{_episode.Y[i]}").Prepend("a,b,class"));
        var with = TableClustering.Cluster(_model, path, new TableOptions { LabelColumn = "class" }, 3, options: options).Result.Results[0];
        Assert.Equal(without.Labels, with.Labels);
        Assert.Equal(without.LayerScores, with.LayerScores);
        Assert.Equal(without.Layer, with.Layer);
    }

    [Theory]
    [InlineData("auto", true, 0, 0)]
    [InlineData("3", false, 3, 3)]
    [InlineData("1-4", false, 1, 4)]
    public void Selections_are_read(string text, bool auto, int first, int last)
    {
        var found = LayerSelection.Parse(text);
        Assert.Equal((auto, first, last), (found.IsAuto, found.First, found.Last));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("3-1")]
    [InlineData("1-2-3")]
    [InlineData("99999999999")]
    public void Other_selections_are_refused(string text) => Assert.Throws<IccArgumentException>(() => LayerSelection.Parse(text));

    [Theory]
    [InlineData("6")]
    [InlineData("4-6")]
    public void Layers_that_are_not_there_are_refused(string text) =>
        Assert.Contains("layer 6", Assert.Throws<IccArgumentException>(() => Cluster(new ClusterOptions { Layer = LayerSelection.Parse(text) })).Message, StringComparison.Ordinal);

    private MethodResult Cluster(ClusterOptions options) =>
        _model.Cluster(new PointSet(_episode.X, _episode.N, _episode.D), 3, options).Results[0];
}
