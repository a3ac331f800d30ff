using System.Text;
using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Text;

public class EchoPromptTests
{
    private static readonly string Folder = Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny");

    private const string Good = """
        {"prompt_style":"echo","max_clusters":16,"normalise":{"centre":"median","scale":"median_absolute","to":4.0},
        "numbers":{"decimals":1,"whole_beyond":20,"clip":99},"spectral_layer":3}
        """;

    private static IccSpec Parse(string json) => IccSpec.Parse(Encoding.UTF8.GetBytes(json), "icc.json");

    [Fact]
    public void PromptsOfTheModelAreReproduced()
    {
        var spec = IccSpec.Load(Path.Combine(Folder, "icc.json"));
        var episodes = File.ReadLines(Path.Combine(Folder, "episodes.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)
            .ToDictionary(e => (e.GetProperty("file").GetString(), e.GetProperty("line").GetInt32()));
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "expected.json")));
        var cases = expected.RootElement.GetProperty("cases").EnumerateArray().ToList();
        var tokenizer = Tokenizer.Load(Path.Combine(Folder, "tokenizer.json"));
        var compared = 0;
        foreach (var @case in cases)
        {
            var x = episodes[(@case.GetProperty("file").GetString(), @case.GetProperty("line").GetInt32())].GetProperty("x");
            var points = x.EnumerateArray().SelectMany(p => p.EnumerateArray().Select(v => v.GetDouble())).ToArray();
            var count = x.GetArrayLength();
            var prompt = EchoPrompt.Create(spec, points, count, points.Length / count, @case.GetProperty("clusters").GetInt32());
            if (@case.TryGetProperty("prompt", out var text))
            {
                Assert.Equal(text.GetString(), prompt.Text);
                CheckTokens(@case, prompt, tokenizer);
                compared++;
            }
            Assert.Equal(count, prompt.Points.Count);
            var lines = prompt.Text.Split('\n');
            for (var i = 0; i < count; i++)
            {
                Assert.Equal($"\n{lines[i + 1]}", prompt.Text[prompt.Points[i].Start..prompt.Points[i].End]);
                Assert.Equal($"\n{lines[i + 1]}", prompt.Forced[i]);
            }
            var labels = @case.GetProperty("greedy_labels").EnumerateArray().Select(l => $" {l.GetInt32()}");
            var grammar = new AnswerGrammar([.. prompt.Forced.Select(f => $"{f} "), ""], @case.GetProperty("clusters").GetInt32(), canonical: true, useAll: true);
            var state = grammar.Start;
            Assert.All(string.Concat(prompt.Forced.Zip(labels, (f, l) => f + l)), c => Assert.True(grammar.Step(ref state, c, out _)));
            Assert.True(grammar.IsEnd(state));
        }
        Assert.True(compared > 0, "expected.json has no prompt");
    }

    /// <summary>Ids and spans of the prompt; it is ASCII, so offsets count the same in every unit.</summary>
    private static void CheckTokens(JsonElement @case, EchoPrompt prompt, Tokenizer tokenizer)
    {
        var encoding = tokenizer.Encode(prompt.Text, addSpecialTokens: true);
        Assert.Equal(@case.GetProperty("prompt_ids").EnumerateArray().Select(i => i.GetInt32()), encoding.Ids);
        var spans = @case.GetProperty("spans").EnumerateArray().Select(s => new TokenSpan(s[0].GetInt32(), s[1].GetInt32())).ToArray();
        Assert.Equal(spans, TokenSpans.FromOffsets(prompt.Points, encoding.Offsets));
    }

    [Theory]
    // Ties go to even; beyond 20 whole numbers of at least 21; clipped at 99; no sign before zero. The two ends set median 0 and scale 4.
    [InlineData(0.25, "0.2")]
    [InlineData(0.75, "0.8")]
    [InlineData(-0.04, "0.0")]
    [InlineData(-0.05, "0.0")]
    [InlineData(20.04, "20.0")]
    [InlineData(20.06, "21")]
    [InlineData(-20.06, "-21")]
    [InlineData(22.5, "22")]
    [InlineData(23.5, "24")]
    [InlineData(98.7, "99")]
    [InlineData(-1e300, "-99")]
    public void NumbersAreRoundedAndClipped(double value, string expected)
    {
        var prompt = EchoPrompt.Create(Parse(Good), [4, -4, 4, -4, value, -value, 4, -4, 0], 9, 1, 2);
        Assert.Equal($"\n[ {expected} ]", prompt.Forced[4]);
    }

    [Fact]
    public void ScaleOfManyEqualPointsIsTheMeanAndOfAllEqualOnesOne()
    {
        // Sizes 0 0 0 0 10: the median is 0, the mean 2, so 10 becomes 20.
        Assert.Equal(["\n[ 0.0 ]", "\n[ 20.0 ]"], EchoPrompt.Create(Parse(Good), [1, 1, 1, 1, 11], 5, 1, 2).Forced.Distinct());
        Assert.Equal(["\n[ 0.0 0.0 ]"], EchoPrompt.Create(Parse(Good), [3, 5, 3, 5], 2, 2, 2).Forced.Distinct());
    }

    [Fact]
    public void PointsThatCannotBeAreRefused()
    {
        var spec = Parse(Good);
        Assert.Contains("point 1, feature 0", Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [1, double.NaN], 2, 1, 1)).Message);
        Assert.Contains("too far", Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [-1.7e308, 1.7e308, 1.7e308], 3, 1, 1)).Message);
        Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [1, 2, 3], 2, 2, 1));
        Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [], 0, 2, 1));
        Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [1, 2, 3], 3, 1, 4));
        Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, [1, 2, 3], 3, 1, 0));
        Assert.Throws<IccArgumentException>(() => EchoPrompt.Create(spec, new double[40], 40, 1, 17));
    }

    [Fact]
    public void MissingRangesMeanNoLimit()
    {
        var spec = Parse(Good);
        Assert.Equal(new TrainedRanges(null, null, null, null, null, null), spec.Trained);
        Assert.Equal((1, int.MaxValue), (spec.Permutations, spec.Subset));
        var trained = Parse(Good[..^1] + ""","trained":{"points":[5,56]}}""");
        Assert.Equal((5, 56, 56), (trained.Trained.MinPoints, trained.Trained.MaxPoints, trained.Subset));
    }

    [Theory]
    [InlineData("""{"prompt_style":"echo"}""", "icc.json: normalise: missing")]
    [InlineData("[]", "icc.json: expected an object, found []")]
    [InlineData("{", "icc.json: no valid JSON")]
    [InlineData("", "icc.json: no valid JSON")]
    [InlineData("\"max_clusters\":0", "max_clusters: expected an integer from 1 to 1000, found 0")]
    [InlineData("\"max_clusters\":1.5", "found 1.5")]
    [InlineData("\"decimals\":7", "numbers.decimals: expected an integer from 0 to 6, found 7")]
    [InlineData("\"whole_beyond\":99", "numbers.whole_beyond: expected an integer from 0 to 98, found 99")]
    [InlineData("\"to\":0", "normalise.to: expected a number above 0, found 0")]
    [InlineData("\"to\":1e999", "normalise.to: expected a number above 0")]
    [InlineData("\"spectral_layer\":-1", "spectral_layer: expected an integer from 0")]
    [InlineData("\"spectral_layer\":\"\\ud800\"", "spectral_layer: expected an integer")]
    [InlineData("\"numbers\":7", "numbers: expected an object, found 7")]
    [InlineData("\"prompt_style\":7", "prompt_style: expected a text, found 7")]
    [InlineData("\"trained\":{\"points\":[5]}", "trained.points: expected a list")]
    [InlineData("\"trained\":{\"points\":[5,4]}", "trained.points: expected an integer from 5, found 4")]
    [InlineData("\"permutations\":0", "permutations: expected an integer from 1")]
    [InlineData("\"calibration\":{}", "calibration.curves: missing")]
    [InlineData("\"calibration\":{\"curves\":7}", "calibration.curves: expected a list, found 7")]
    [InlineData("\"calibration\":{\"curves\":[]}", "calibration.curves: expected one or more")]
    [InlineData("\"calibration\":{\"curves\":[7]}", "calibration.curves[0]: expected an object, found 7")]
    [InlineData("\"calibration\":{\"curves\":[{\"answers\":0}]}", "calibration.curves[0].answers: expected an integer from 1")]
    [InlineData("\"calibration\":{\"curves\":[{\"answers\":1,\"intercept\":1e999}]}", "calibration.curves[0].intercept: expected a number")]
    [InlineData("\"calibration\":{\"curves\":[{\"answers\":1,\"intercept\":0,\"point\":1,\"mean\":0},{\"answers\":1,\"intercept\":0,\"point\":1,\"mean\":0}]}", "of different numbers of answers")]
    [InlineData("\"subset\":0", "subset: expected an integer from 1")]
    public void BadFilesAreRefused(string change, string expected)
    {
        var error = Assert.Throws<IccFormatException>(() => Parse(Change(change)));
        Assert.Contains(expected, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("\"prompt_style\":\"list\"", "icc.json: prompt_style \"list\" is not supported; known: \"echo\"")]
    [InlineData("\"centre\":\"mean\"", "icc.json: normalise.centre \"mean\" is not supported")]
    [InlineData("\"scale\":\"sd\"", "icc.json: normalise.scale \"sd\" is not supported")]
    public void UnknownWaysAreRefusedByName(string change, string expected) =>
        Assert.Contains(expected, Assert.Throws<IccUnsupportedException>(() => Parse(Change(change))).Message);

    [Fact]
    public void AMissingFileIsNamed() => Assert.Contains("none.json", Assert.Throws<IccFormatException>(() => IccSpec.Load("none.json")).Message);

    /// <summary>The good file with one key changed or added, or another text altogether.</summary>
    private static string Change(string change)
    {
        if (!change.StartsWith('"'))
        {
            return change;
        }
        var key = change[..(change.IndexOf(':') + 1)];
        var at = Good.IndexOf(key, StringComparison.Ordinal);
        if (at < 0)
        {
            return Good[..^1] + "," + change + "}";
        }
        var end = key == "\"numbers\":" ? Good.IndexOf('}', at) + 1 : Good.IndexOfAny([',', '}'], at);
        return Good[..at] + change + Good[end..];
    }
}
