using Xunit;

namespace IccEngine.InContext.Tests.Text;

[Trait("Category", "Goldens")]
public class AnswerGoldenTests
{
    [SkippableFact]
    public void AnswersAreReadAsTheOriginalReadsThem()
    {
        using var file = GoldenFile.Read("answers.json");
        var cases = file.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var @case in cases)
        {
            var text = @case.GetProperty("text").GetString()!;
            var parsed = AnswerParser.Parse(text, @case.GetProperty("n").GetInt32());
            Assert.Equal(@case.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()), parsed.Labels);
            var items = @case.GetProperty("items").EnumerateArray().ToList();
            Assert.Equal(items.Count, parsed.Items.Count);
            foreach (var (expected, found) in items.Zip(parsed.Items))
            {
                if (expected.ValueKind == System.Text.Json.JsonValueKind.String && expected.GetString() is var name and not ("nan" or "inf"))
                {
                    Assert.Equal(name, found);
                }
            }
            Assert.True(items.Count == 0 || parsed.Found, text);
        }
    }

    [Theory]
    [InlineData("[]", 0, false)]
    [InlineData("[ ]", 0, true)]
    [InlineData("none", 0, false)]
    [InlineData("[x", 0, false)]
    [InlineData("[7]", 1, true)]
    public void AListIsFoundOrNot(string text, int items, bool found)
    {
        var parsed = AnswerParser.Parse(text, 2);
        Assert.Equal((items, found), (parsed.Items.Count, parsed.Found));
    }

    [Fact]
    public void LongAnswersAreReadInTime()
    {
        Assert.False(AnswerParser.Parse(new string('[', 2_000_000), 1).Found);
        Assert.Equal([1, 0], AnswerParser.Parse($"[{new string('9', 500_000)}, 1e{new string('0', 500_000)}1]", 2).Labels);
        Assert.Equal(0, AnswerParser.Parse($"[{string.Join(",", Enumerable.Repeat("a", 500_000))}]", 1).Labels[0]);
    }
}
