using System.Text.Json;
using Xunit;

namespace IccEngine.InContext.Tests.Text;

[Trait("Category", "Goldens")]
public class PromptGoldenTests
{
    [SkippableFact]
    public void PromptsAreTheOriginalsByteForByte()
    {
        using var file = GoldenFile.Read("prompts.json");
        var system = file.RootElement.GetProperty("system").GetString();
        var cases = file.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var @case in cases)
        {
            var text = Format(@case, summarise: true);
            Assert.Equal(@case.GetProperty("data_text").GetString(), text.Text);
            var prompt = PaperPrompt.Create(text, @case.GetProperty("k").GetInt32());
            Assert.Equal(@case.GetProperty("user").GetString(), prompt.User);
            Assert.Equal(system, prompt.System);
            CheckRanges(@case, prompt);
            if (@case.TryGetProperty("answer", out var answer))
            {
                Assert.Equal(answer.GetString(), NumpyText.Answer(Labels(@case)));
            }
        }
        foreach (var answer in file.RootElement.GetProperty("answers").EnumerateArray())
        {
            Assert.Equal(answer.GetProperty("text").GetString(), NumpyText.Answer(Labels(answer), summarise: true));
        }
    }

    /// <summary>Ranges follow from the text alone: every printed row begins at its bracket, and the ranges cover all of the data.</summary>
    private static void CheckRanges(JsonElement @case, PaperPrompt prompt)
    {
        var shape = @case.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()).ToArray();
        var data = @case.GetProperty("data_text").GetString()!;
        if (shape.Length == 1 || shape[0] == 0)
        {
            Assert.Empty(prompt.Points);
            return;
        }
        Assert.Equal(data.Contains("], ...,", StringComparison.Ordinal) ? 6 : shape[0], prompt.Points.Count);
        Assert.Equal(prompt.Points.Count, prompt.PointIndices.Count);
        Assert.Equal(0, prompt.PointIndices[0]);
        Assert.Equal(shape[0] - 1, prompt.PointIndices[^1]);
        Assert.Equal(data, string.Concat(prompt.Points.Select(p => prompt.User[p.Start..p.End])));
        for (var i = 0; i < prompt.Points.Count; i++)
        {
            var point = prompt.User[prompt.Points[i].Start..prompt.Points[i].End];
            Assert.StartsWith(i == 0 ? "[[" : "[", point);
            Assert.Equal(i == 0 ? 1 : 0, point.LastIndexOf('['));
            Assert.EndsWith(i + 1 < prompt.Points.Count ? ", " : "]]", point);
        }
    }

    private static NumpyText Format(JsonElement @case, bool summarise)
    {
        var shape = @case.GetProperty("shape").EnumerateArray().Select(s => s.GetInt32()).ToArray();
        var values = new List<JsonElement>();
        void Flatten(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray())
                {
                    Flatten(item);
                }
            }
            else
            {
                values.Add(element);
            }
        }
        Flatten(@case.GetProperty("x"));
        return @case.GetProperty("dtype").GetString() switch
        {
            "float32" => NumpyText.Format(values.Select(v => (float)GoldenFile.Number(v)).ToArray(), shape, summarise),
            "float64" => NumpyText.Format(values.Select(GoldenFile.Number).ToArray(), shape, summarise),
            "int64" => NumpyText.Format(values.Select(v => v.GetInt64()).ToArray(), shape, summarise),
            var other => throw new NotSupportedException($"dtype {other} in prompts.json"),
        };
    }

    private static int[] Labels(JsonElement element) => [.. element.GetProperty("y").EnumerateArray().Select(y => y.GetInt32())];
}
