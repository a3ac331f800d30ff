using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using IccEngine.Models;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Affinities of the labels of the model's answer, compared with their definitions on the same attention.</summary>
public sealed class AffinityKindTests : IDisposable
{
    private const int Clusters = 3;
    private readonly IccModel _model = IccModel.LoadEmbedded("cpu", 1);
    private readonly Episode _episode = EpisodeSpec.Parse("t:c=3,d=2,n=14,df=5,count=1,seed=6").Generate().First();

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(AffinityKind.OI, Symmetrisation.Mean, PositionCorrection.Relative)]
    [InlineData(AffinityKind.OI, Symmetrisation.Power, PositionCorrection.Relative)]
    [InlineData(AffinityKind.OI, Symmetrisation.Mean, PositionCorrection.None)]
    [InlineData(AffinityKind.OO, Symmetrisation.Mean, PositionCorrection.Relative)]
    [InlineData(AffinityKind.OO, Symmetrisation.Power, PositionCorrection.None)]
    public void Affinities_are_what_their_definitions_say(AffinityKind kind, Symmetrisation symmetrisation, PositionCorrection correction)
    {
        const int layer = 2;
        var options = new ClusterOptions
        {
            Permutations = 1,
            Layer = layer,
            AffinityKind = kind,
            Symmetrisation = symmetrisation,
            PositionCorrection = correction,
            ReturnAffinity = true,
        };
        var found = _model.Cluster(Points, Clusters, options).Results[0].Affinity!;
        var (n, pooled) = (_episode.N, AttentionOfLabels(layer, kind));
        double Entry(int j, int i)
        {
            // Columns that row j looks at.
            var columns = Enumerable.Range(0, n).Where(c => kind == AffinityKind.OI ? c != j : c < j).ToArray();
            return correction == PositionCorrection.None
                ? pooled[j * n + i]
                : pooled[j * n + i] / (columns.Sum(c => (double)pooled[j * n + c]) + 1e-7) * columns.Length;
        }
        for (var j = 0; j < n; j++)
        {
            Assert.Equal(0, found[j * n + j]);
            for (var i = 0; i < j; i++)
            {
                double[] entries = kind == AffinityKind.OI ? [Entry(j, i), Entry(i, j)] : [Entry(j, i)];
                var expected = symmetrisation == Symmetrisation.Mean ? entries.Average() : Math.Pow(entries.Average(e => Math.Pow(e, 0.25)), 4);
                Assert.Equal(expected, found[j * n + i], 1e-5 * Math.Max(1, expected));
                Assert.Equal(found[j * n + i], found[i * n + j]);
            }
        }
    }

    [Theory]
    [InlineData(AffinityKind.OI)]
    [InlineData(AffinityKind.OO)]
    public void Language_models_answer_first_and_give_labels(AffinityKind kind)
    {
        using var chat = IccModel.Load(TinyChat.Folder, "cpu", 1);
        var options = new ClusterOptions { AffinityKind = kind, Permutations = 2, Layer = LayerSelection.Auto };
        var result = chat.Cluster(Points, Clusters, options).Results[0];
        Assert.Equal(_episode.N, result.Labels.Length);
        Assert.All(result.Labels, l => Assert.InRange(l, 0, Clusters - 1));
        Assert.Equal(result.Labels, chat.Cluster(Points, Clusters, options).Results[0].Labels);
    }

    [Fact]
    public void More_points_than_one_prompt_holds_are_answered_in_subsets()
    {
        var episode = EpisodeSpec.Parse("t:c=2,d=1,n=60,df=5,count=1,seed=1").Generate().First();
        var options = new ClusterOptions { AffinityKind = AffinityKind.OO, Permutations = 1 };
        Assert.Equal(60, _model.Cluster(new PointSet(episode.X, episode.N, episode.D), 2, options).Labels.Length);
    }

    [Fact]
    public void Representatives_are_for_attention_between_points()
    {
        var options = new ClusterOptions { AffinityKind = AffinityKind.OI, Representatives = 8 };
        Assert.Contains("expected II", Assert.Throws<IccArgumentException>(() => _model.Cluster(Points, Clusters, options)).Message, StringComparison.Ordinal);
    }

    private PointSet Points => new(_episode.X, _episode.N, _episode.D);

    /// <summary>[n, n] of a layer, with the model's own answer written behind the prompt by hand.</summary>
    private float[] AttentionOfLabels(int layer, AffinityKind kind)
    {
        int[] answer = _model.Cluster(Points, Clusters, new ClusterOptions().With("generate")).Results[0].Labels;
        var spec = ModelFiles.ReadEmbedded().Spec!;
        var prompt = EchoPrompt.Create(spec, Points.Values, Points.Count, Points.Features, Clusters);
        var encoded = PromptTokens.Encode(_model.Tokenizer, prompt.Text, prompt.Points, addSpecialTokens: true);
        List<int> ids = [.. encoded.Ids];
        var labels = new List<int>();
        for (var i = 0; i < answer.Length; i++)
        {
            ids.AddRange(_model.Tokenizer.Encode($"{prompt.Forced[i]} {answer[i]}", addSpecialTokens: false).Ids);
            labels.Add(ids.Count - 1);
        }
        using var capture = new AttentionCapture(_model.Model, new TapRequest { Spans = encoded.Spans, Singles = labels, Layers = [layer] });
        using var session = new InferenceSession(_model.Model, new SessionOptions(ids.Count));
        session.Forward([new SequenceInput(session.Begin(null), ids.ToArray(), LogitsWanted.None, capture)]);
        return capture.Read(kind == AffinityKind.OI ? capture.SingleToSpan(layer) : capture.SingleToSingle(layer));
    }
}
