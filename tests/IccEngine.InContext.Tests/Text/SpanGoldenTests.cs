using System.Text.Json;
using System.Text.RegularExpressions;
using IccEngine.Core;
using Xunit;

namespace IccEngine.InContext.Tests.Text;

[Trait("Category", "Goldens")]
public class SpanGoldenTests
{
    [SkippableFact]
    public void TheOriginalsRuleFindsTheOriginalsSpans()
    {
        using var file = GoldenFile.Read("spans.json");
        var vocabularies = file.RootElement.GetProperty("toy_vocabularies").EnumerateObject()
            .ToDictionary(v => v.Name, v => v.Value.EnumerateArray().Select(t => t.GetString()!).ToArray());
        var cases = file.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var @case in cases)
        {
            var rule = new OriginalSpanRule<string>(text => Encode(text, vocabularies[@case.GetProperty("tokenizer").GetString()!]));
            var points = @case.GetProperty("points").GetInt32();
            var tokens = Tokens(@case);
            if (@case.TryGetProperty("error", out var error))
            {
                var thrown = Assert.Throws<SpanRuleException>(() => rule.Find(tokens, points));
                var numbers = Regex.Matches(error.GetString()!, "[0-9]+").Select(m => int.Parse(m.Value)).ToArray();
                Assert.Equal(numbers, new[] { thrown.Found, thrown.Expected });
                continue;
            }
            Assert.Equal(Texts(@case, "start_tokens"), rule.StartTokens.Order(StringComparer.Ordinal));
            Assert.Equal(Texts(@case, "end_tokens"), rule.EndTokens.Order(StringComparer.Ordinal));
            var spans = rule.Find(tokens, points);
            Assert.Equal(Expected(@case), spans);
            Assert.Equal(@case.GetProperty("first_span_text").GetString(), Join(tokens, spans[0]));
            Assert.Equal(@case.GetProperty("last_span_text").GetString(), Join(tokens, spans[^1]));
        }
    }

    [SkippableFact]
    public void OffsetsGiveTheOriginalsSpansWhereItsRuleWorks()
    {
        using var file = GoldenFile.Read("spans.json");
        var compared = 0;
        foreach (var @case in file.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.TryGetProperty("spans_inclusive", out _)))
        {
            var tokens = Tokens(@case);
            var (text, offsets) = ("", new List<(int Start, int End)> { (0, 0) });
            foreach (var token in tokens.Skip(1))
            {
                offsets.Add((text.Length, text.Length + token.Length));
                text += token;
            }
            var data = text.IndexOf("[[", StringComparison.Ordinal);
            var starts = Enumerable.Range(data + 2, text.Length - data - 2).Where(i => text[i] == '[').Prepend(data)
                // A blank before the bracket is part of its token, and stands in the range of the point before.
                .Select(i => text[i - 1] == ' ' && i > data ? i - 1 : i).ToList();
            var ranges = starts.Select((s, i) => (s, i + 1 < starts.Count ? starts[i + 1] : text.LastIndexOf(']') + 1)).ToList();
            Assert.Equal(Expected(@case), TokenSpans.FromOffsets(ranges, offsets));
            compared++;
        }
        Skip.If(compared == 0, "no case with spans in spans.json");
    }

    private static TokenSpan[] Expected(JsonElement @case) =>
        [.. @case.GetProperty("spans_inclusive").EnumerateArray().Select(s => new TokenSpan(s[0].GetInt32(), s[1].GetInt32() + 1))];

    private static string[] Tokens(JsonElement @case) => [.. @case.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)];

    private static IEnumerable<string> Texts(JsonElement @case, string key) =>
        @case.GetProperty(key).EnumerateArray().Select(t => t.GetString()!).Order(StringComparer.Ordinal);

    private static string Join(string[] tokens, TokenSpan span) => string.Concat(tokens[span.Start..span.End]);

    /// <summary>The toy tokenizers on brackets: the longest merge that fits, else one character.</summary>
    private static List<string> Encode(string text, string[] merges)
    {
        var tokens = new List<string>();
        for (var i = 0; i < text.Length; i += tokens[^1].Length)
        {
            tokens.Add(merges.Where(m => string.CompareOrdinal(text, i, m, 0, m.Length) == 0).MaxBy(m => m.Length) ?? text.Substring(i, 1));
        }
        return tokens;
    }
}
