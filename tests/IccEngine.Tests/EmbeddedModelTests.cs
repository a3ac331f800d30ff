using System.Text.Json;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using IccEngine.Models;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>The embedded model against its expected outputs: prompt, spans, pooled attention, both kinds of labels.</summary>
[Trait("Category", "Goldens")]
public sealed class EmbeddedModelTests
{
    private const double RequiredAgreement = 0.99; // of all labels: near ties may fall the other way

    private static readonly string _folder = Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny");

    public static TheoryData<string> Devices => [.. Device.Names];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Pooled_attention_and_prompt_are_the_expected(string device)
    {
        using var model = IccModel.LoadEmbedded(device);
        const double tolerance = 5e-5; // stated in the file's note
        var compared = 0;
        foreach (var (expected, _) in Cases().Where(c => c.Expected.TryGetProperty("A_II_layer3", out _)))
        {
            var ids = Ints(expected.GetProperty("prompt_ids"));
            Assert.Equal(ids, model.Tokenizer.Encode(expected.GetProperty("prompt").GetString()!, addSpecialTokens: true).Ids);
            TokenSpan[] spans = [.. expected.GetProperty("spans").EnumerateArray().Select(s => new TokenSpan(s[0].GetInt32(), s[1].GetInt32()))];
            var request = new InspectRequest { Ids = ids, Logits = false, Hidden = false, Tap = new TapRequest { Spans = spans, Layers = [3] } };
            float[] reference = [.. expected.GetProperty("A_II_layer3").EnumerateArray().SelectMany(r => r.EnumerateArray().Select(v => v.GetSingle()))];
            new Tolerance(tolerance, 0).Check("A_II", ModelInspector.Run(model.Model, request).Single().Values, reference);
            compared++;
        }
        Assert.NotEqual(0, compared);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Labels_of_both_methods_agree_with_the_expected(string device)
    {
        using var model = IccModel.LoadEmbedded(device);
        var options = new ClusterOptions { Method = ClusterMethod.Both, Permutations = 1 };
        double spectral = 0, greedy = 0, points = 0;
        foreach (var (expected, episode) in Cases())
        {
            var rows = episode.GetProperty("x").EnumerateArray().Select(r => (IReadOnlyList<double>)[.. r.EnumerateArray().Select(v => v.GetDouble())]);
            var result = model.Cluster(PointSet.FromRows([.. rows]), expected.GetProperty("clusters").GetInt32(), options);
            var count = result.Labels.Length;
            spectral += count * Metrics.Accuracy(Ints(expected.GetProperty("spectral_labels")), result.Results[0].Labels);
            greedy += Ints(expected.GetProperty("greedy_labels")).Zip(result.Results[1].Labels).Count(p => p.First == p.Second);
            points += count;
        }
        Assert.True(spectral >= RequiredAgreement * points, $"spectral: {spectral} of {points} labels agree");
        Assert.True(greedy >= RequiredAgreement * points, $"greedy: {greedy} of {points} labels agree");
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetInt32())];

    /// <summary>Every expected case with its episode.</summary>
    private static IEnumerable<(JsonElement Expected, JsonElement Episode)> Cases()
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "expected.json")));
        var episodes = File.ReadLines(Path.Combine(_folder, "episodes.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)
            .ToDictionary(e => (e.GetProperty("file").GetString(), e.GetProperty("line").GetInt32()));
        var cases = expected.RootElement.GetProperty("cases").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var found in cases)
        {
            yield return (found, episodes[(found.GetProperty("file").GetString(), found.GetProperty("line").GetInt32())]);
        }
    }
}
