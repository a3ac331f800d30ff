using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using IccEngine.Models;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Points labelled against clustered ones.</summary>
public sealed class RepresentativeTests : IDisposable
{
    private static readonly ClusterOptions _options = new() { Representatives = 60, Permutations = 2, Seed = 3 };
    private readonly IccModel _model = IccModel.LoadEmbedded("cpu", 1);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Separate_groups_are_found_and_the_output_says_how()
    {
        var (points, truth) = Blobs(240);
        var result = _model.Cluster(points, 3, _options);
        Assert.Equal(240, result.Labels.Length);
        Assert.True(Metrics.Accuracy(truth, result.Labels) >= 0.95, $"accuracy {Metrics.Accuracy(truth, result.Labels)}");
        Assert.Contains(result.Remarks, r => r.StartsWith("60 of 240 points", StringComparison.Ordinal));
        Assert.DoesNotContain(result.Remarks, r => r.StartsWith("240 points", StringComparison.Ordinal));
        Assert.Equal(result.Labels, _model.Cluster(points, 3, _options).Labels);
    }

    [Fact]
    public void A_label_does_not_depend_on_how_many_other_points_there_are()
    {
        // The first 60 are the representatives in both: the labelling of the rest is row by row.
        var (points, _) = Blobs(300);
        int[] known = [.. Enumerable.Range(0, 60)];
        int[] truth = [.. known.Select(i => i % 3)];
        var format = new EchoFormat(Spec, _model.Tokenizer, "test");
        var settings = new AttentionOptions { Permutations = 1 };
        var layer = format.DefaultLayer(_model.Model.Config.NumHiddenLayers);
        int[] Label(int[] rest) => new OutOfSample(_model.Model, format, points, 3, settings, null).Label(known, truth, [layer], rest, _ => { }, default);
        var all = Label([.. Enumerable.Range(60, 240)]);
        var some = Label([.. Enumerable.Range(60, 240).Where(i => i % 7 == 0)]);
        Assert.Equal(all.Where((_, i) => (i + 60) % 7 == 0), some);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)]
    public void A_new_point_pays_the_attention_that_it_pays_in_a_whole_prompt(int? head)
    {
        var (points, _) = Blobs(40);
        int[] context = [.. Enumerable.Range(0, 31).Select(i => i * 7 % 31)];
        int[] others = [.. Enumerable.Range(31, 9)];
        var format = new EchoFormat(Spec, _model.Tokenizer, "test").Fitted(points.Select(context));
        int[] layers = [.. Enumerable.Range(0, _model.Model.Config.NumHiddenLayers)];
        using var prefix = new OutOfSample.Prefix(_model.Model, format, points, context, 3, null, default);
        foreach (var layer in layers)
        {
            var found = prefix.Attention(others, [layer], head, default);
            for (var i = 0; i < others.Length; i++)
            {
                Near(LastRow(format.Encode(points.Select([.. context, others[i]]), 3), layer, head)[..context.Length], found[i]);
            }
        }
        var mean = prefix.Attention(others, layers, head, default);
        var apart = Array.ConvertAll(layers, layer => prefix.Attention(others, [layer], head, default));
        for (var i = 0; i < others.Length; i++)
        {
            Near([.. Enumerable.Range(0, context.Length).Select(p => apart.Average(a => a[i][p]))], mean[i]);
        }
    }

    [Fact]
    public void As_many_representatives_as_points_is_the_plain_clustering()
    {
        var (points, _) = Blobs(40);
        var all = _model.Cluster(points, 3, _options);
        Assert.Equal(_model.Cluster(points, 3, _options with { Representatives = null }).Labels, all.Labels);
        Assert.DoesNotContain(all.Remarks, r => r.Contains("drawn at random", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(-5)]
    public void Too_few_are_refused(int representatives) =>
        Assert.Throws<IccArgumentException>(() => _model.Cluster(Blobs(30).Points, 3, _options with { Representatives = representatives }));

    /// <summary>What the last point of a prompt pays to every point, from one forward pass of all of it.</summary>
    private float[] LastRow(EncodedPrompt prompt, int layer, int? head)
    {
        var model = _model.Model;
        using var capture = new AttentionCapture(model, new TapRequest { Spans = prompt.Spans, Layers = [layer], PerHead = head is not null });
        using var session = new InferenceSession(model, new SessionOptions(prompt.PointIds.Length));
        session.Forward([new SequenceInput(session.Begin(null), prompt.PointIds, LogitsWanted.None, capture)]);
        var n = prompt.Spans.Length;
        return capture.Read(head is { } h ? capture.SpanToSpan(layer).Row(h) : capture.SpanToSpan(layer))[((n - 1) * n)..];
    }

    /// <summary>Sums of a few hundred float32 products, in another order: 2^-24 of a share each, and as much from the layers before.</summary>
    private static void Near(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], found[i], 1e-6 + 1e-4 * expected[i]);
        }
        Assert.Contains(expected, e => e > 1e-3);
    }

    private static IccSpec Spec => IccSpec.Load(Path.Combine(Testing.Goldens.Repository, "tests", "data", "icc-tiny", "icc.json"));

    private static (PointSet Points, int[] Truth) Blobs(int n)
    {
        var random = new SeededRandom(9);
        double[][] centres = [[-8, 0], [8, 1], [0, 9]];
        int[] truth = [.. Enumerable.Range(0, n).Select(i => i % 3)];
        return (PointSet.FromRows([.. truth.Select(c => centres[c].Select(v => v + random.NextDouble() * 2).ToArray())]), truth);
    }
}
