using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>The public face: what a program embeds.</summary>
public sealed class IccModelTests
{
    private static readonly string _iris = Path.Combine(Goldens.Repository, "tools", "samples", "iris.csv");

    [Fact]
    public void Iris_is_clustered_well()
    {
        using var model = IccModel.LoadEmbedded();
        var result = TableClustering.Cluster(model, _iris, new TableOptions { LabelColumn = "class" }, 3);
        Assert.True(result.Metrics!.Single().Accuracy >= 0.9, $"{result.Metrics!.Single()}");
        Assert.Equal(150, result.Result.Labels.Length);
        Assert.Contains(result.Result.Remarks, r => r.Contains("150 points", StringComparison.Ordinal));
    }

    [Fact]
    public void Equal_seeds_give_equal_labels_whatever_the_threads()
    {
        var table = Table.Read(_iris, new TableOptions { LabelColumn = "class" });
        var points = new PointSet(table.Values, table.Rows, table.Columns);
        var options = new ClusterOptions { Permutations = 1, Seed = 5, ReturnAffinity = true };
        var results = new[] { 1, 2, 3 }.Select(threads =>
        {
            using var model = IccModel.LoadEmbedded("cpu", threads);
            return model.Cluster(points, 3, options).Results[0];
        }).ToArray();
        Assert.Equal(results[0].Affinity, results[1].Affinity);
        Assert.Equal(results[0].Affinity, results[2].Affinity);
        Assert.Equal(results[0].Labels, results[1].Labels);
    }

    [Fact]
    public void Two_threads_may_use_one_model()
    {
        using var model = IccModel.LoadEmbedded();
        var points = Grid(20, 2);
        var options = new ClusterOptions { Method = ClusterMethod.Both, ReturnAffinity = true };
        var expected = model.Cluster(points, 3, options);
        Assert.Equal(20 * 20, expected.Results[0].Affinity!.Length);
        Parallel.For(0, 12, new ParallelOptions { MaxDegreeOfParallelism = 2 }, _ =>
        {
            var found = model.Cluster(points, 3, options);
            Assert.Equal(expected.Results[0].Affinity, found.Results[0].Affinity);
            Assert.Equal(expected.Results[1].Labels, found.Results[1].Labels);
        });
    }

    [Fact]
    public void More_features_than_the_model_knows_become_principal_components()
    {
        using var model = IccModel.LoadEmbedded();
        var result = model.Cluster(Grid(30, 9), 2);
        Assert.Contains(result.Remarks, r => r.Contains("first 4 principal components", StringComparison.Ordinal));
    }

    [Fact]
    public void Work_reports_progress_and_can_be_cancelled()
    {
        using var model = IccModel.LoadEmbedded();
        using var cancellation = new CancellationTokenSource();
        var shares = new List<double>();
        var progress = new Recorder(share =>
        {
            shares.Add(share);
            if (share > 0.3)
            {
                cancellation.Cancel();
            }
        });
        Assert.Throws<OperationCanceledException>(() =>
            model.Cluster(Grid(200, 2), 3, new ClusterOptions { Method = ClusterMethod.Both }, progress, cancellation.Token));
        Assert.InRange(shares.Max(), 0.3, 0.6);
        Assert.Equal(shares.Order(), shares);
    }

    [Fact]
    public void Pooled_attention_of_a_text_is_that_of_its_tokens()
    {
        using var model = IccModel.Load(TinyChat.Folder);
        const string text = "Gr\u00F6\u00DFe: [1.5, \U0001F600 2], [3, 4]";
        var (first, second) = (text.IndexOf('['), text.LastIndexOf('['));
        var pooled = model.PooledAttention(text, [first..(second - 2), second..]);
        Assert.Equal(model.Model.Config.NumHiddenLayers, pooled.Length);
        Assert.All(pooled, layer =>
        {
            Assert.Equal(4, layer.Length);
            Assert.Equal(0, layer[1]); // the first part comes before the second and does not see it
            Assert.All([layer[0], layer[2], layer[3]], v => Assert.InRange(v, 1e-6f, 1f));
        });
        Assert.Throws<IccArgumentException>(() => model.PooledAttention(text, [second.., first..second]));
    }

    [Fact]
    public void A_model_without_icc_json_clusters_by_both_methods_with_an_adapter()
    {
        using var folder = new TemporaryFolder();
        using var model = IccModel.Load(TinyChat.Folder);
        using var adapter = model.LoadAdapter(TinyChat.WriteAdapter(folder.Path));
        var options = new ClusterOptions { Method = ClusterMethod.Both, Permutations = 2, ReturnAffinity = true };
        var plain = model.Cluster(Grid(12, 2), 3, options);
        var adapted = model.Cluster(Grid(12, 2), 3, options with { Adapter = adapter });
        Assert.NotEqual(plain.Results[0].Affinity, adapted.Results[0].Affinity);
        foreach (var result in plain.Results.Concat(adapted.Results))
        {
            Assert.Equal(12, result.Labels.Length);
            Assert.All(result.Labels, label => Assert.InRange(label, 0, 2));
        }
        Assert.Equal(model.Model.Config.NumHiddenLayers / 2, plain.Results[0].Layer);
    }

    [Fact]
    public void The_originals_span_rule_can_be_asked_for()
    {
        using var model = IccModel.Load(TinyChat.Folder);
        // This tokenizer has no token "[[", so the rule finds nothing, and says so.
        var options = new ClusterOptions { Permutations = 1, OriginalSpans = true };
        Assert.Equal((0, 10), Assert.Throws<SpanRuleException>(() => model.Cluster(Grid(10, 2), 3, options)) is var e ? (e.Found, e.Expected) : default);
        using var embedded = IccModel.LoadEmbedded();
        Assert.Throws<IccArgumentException>(() => embedded.Cluster(Grid(10, 2), 3, new ClusterOptions { OriginalSpans = true }));
    }

    [Fact]
    public void More_clusters_than_one_digit_says_are_answered_legally()
    {
        using var model = IccModel.Load(TinyChat.Folder);
        var labels = ConstrainedAnswer.Generate(model.Model, new PaperFormat(model.Tokenizer, model.Chat!.Render), Grid(15, 2), 13)[0].Labels;
        Assert.Equal(15, labels.Length);
        Assert.All(labels, label => Assert.InRange(label, 0, 12));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        using var model = IccModel.LoadEmbedded();
        Assert.Throws<IccArgumentException>(() => model.Cluster(Grid(1, 2), 1));
        Assert.Throws<IccArgumentException>(() => model.Cluster(Grid(5, 2), 6));
        Assert.Throws<IccArgumentException>(() => model.Cluster(Grid(5, 2), 0));
        Assert.Throws<IccArgumentException>(() => model.Cluster(Grid(40, 2), 17)); // the vocabulary ends at 16
        Assert.Throws<IccArgumentException>(() => model.Cluster(Grid(5, 2), 2, new ClusterOptions { Layer = 6 }));
        Assert.Throws<IccArgumentException>(() => PointSet.FromRows([[1, 2], [3]]));
        Assert.Throws<IccArgumentException>(() => PointSet.FromRows([[1, double.NaN]]));
        Assert.Throws<IccArgumentException>(() => IccModel.LoadEmbedded("tpu"));
        Assert.Throws<IccFormatException>(() => IccModel.Load(Path.Combine(TinyChat.Folder, "nothing")));
    }

    internal static PointSet Grid(int points, int features)
    {
        var random = new Random(points * 31 + features);
        return new PointSet([.. Enumerable.Range(0, points * features).Select(i => (i / features % 3 * 10) + random.NextDouble())], points, features);
    }

    private sealed class Recorder(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
