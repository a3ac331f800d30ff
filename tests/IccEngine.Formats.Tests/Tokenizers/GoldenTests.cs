using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Everything that the goldens' cases.json say about a tokenizer, exactly.</summary>
[Trait("Category", "Goldens")]
public class GoldenTests
{
    /// <summary>Folders below tokenizers/; one empty name where there are none, so that the tests report a skip.</summary>
    public static TheoryData<string> Names => [.. Goldens.Folders("tokenizers").DefaultIfEmpty("")];

    /// <summary>Folders below models/ that have a tokenizer.</summary>
    public static TheoryData<string> Models =>
        [.. Goldens.Folders("models").Where(name => File.Exists(Goldens.At("models", name, "tokenizer.json"))).DefaultIfEmpty("")];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void EncodesAndDecodesTexts(string name)
    {
        var (tokenizer, cases) = Open(name);
        var differences = new Differences();
        foreach (var item in cases.GetProperty("encode").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            var plain = tokenizer.Encode(text, false);
            var special = tokenizer.Encode(text, true);
            differences.Check(text, "ids", Ints(item, "ids"), plain.Ids);
            differences.Check(text, "tokens", item.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()), plain.Tokens);
            differences.Check(text, "offsets", Pairs(item, "offsets"), plain.Offsets);
            differences.Check(text, "ids_with_special", Ints(item, "ids_with_special"), special.Ids);
            differences.Check(text, "decoded", [item.GetProperty("decoded").GetString()], [tokenizer.Decode(special.Ids, false)]);
            differences.Check(text, "decoded_skip_special", [item.GetProperty("decoded_skip_special").GetString()], [tokenizer.Decode(special.Ids, true)]);
        }
        differences.AssertNone();
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void NormalizesAndCutsTexts(string name)
    {
        var (tokenizer, cases) = Open(name);
        var differences = new Differences();
        foreach (var item in cases.GetProperty("encode").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            var normalized = item.TryGetProperty("normalized", out var value) ? value.GetString()! : text;
            differences.Check(text, "normalized", [normalized], [tokenizer.Normalize(text)]);
            if (item.TryGetProperty("pre_split", out _))
            {
                differences.Check(text, "pre_split", Pairs(item, "pre_split"), tokenizer.PreTokenize(normalized) ?? []);
            }
        }
        differences.AssertNone();
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void DecodesIdsInAnyOrder(string name)
    {
        var (tokenizer, cases) = Open(name);
        var differences = new Differences();
        foreach (var item in cases.GetProperty("decode").EnumerateArray())
        {
            var ids = Ints(item, "ids");
            var label = string.Join(' ', ids);
            differences.Check(label, "decoded", [item.GetProperty("decoded").GetString()], [tokenizer.Decode(ids, false)]);
            differences.Check(label, "decoded_skip_special", [item.GetProperty("decoded_skip_special").GetString()], [tokenizer.Decode(ids, true)]);
        }
        differences.AssertNone();
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void DecodesStreams(string name)
    {
        var (tokenizer, cases) = Open(name);
        var differences = new Differences();
        foreach (var item in cases.GetProperty("streams").EnumerateArray())
        {
            var ids = Ints(item, "ids");
            var skip = item.GetProperty("skip_special").GetBoolean();
            var steps = Stream(tokenizer, ids, skip);
            differences.Check(string.Join(' ', ids), "steps", item.GetProperty("steps").EnumerateArray().Select(s => s.GetString()), steps);
            differences.Check(string.Join(' ', ids), "joined_equals_decode", [item.GetProperty("joined_equals_decode").GetBoolean()], [string.Concat(steps) == tokenizer.Decode(ids, skip)]);
        }
        differences.AssertNone();
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void EncodesRenderedChats(string name)
    {
        var (tokenizer, cases) = Open(name);
        var differences = new Differences();
        foreach (var item in cases.GetProperty("chats").EnumerateArray())
        {
            if (item.TryGetProperty("rendered", out var rendered))
            {
                differences.Check(rendered.GetString()!, "ids", Ints(item, "ids"), tokenizer.Encode(rendered.GetString()!, false).Ids);
            }
        }
        differences.AssertNone();
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void CountsTheVocabulary(string name)
    {
        var (tokenizer, cases) = Open(name);
        Assert.Equal(cases.GetProperty("vocab_size").GetInt32(), tokenizer.VocabularySize);
        using var file = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("tokenizers", name, "tokenizer.json")));
        foreach (var token in file.RootElement.GetProperty("added_tokens").EnumerateArray())
        {
            var (id, content) = (token.GetProperty("id").GetInt32(), token.GetProperty("content").GetString()!);
            Assert.Equal(id, tokenizer.TokenToId(content));
            Assert.Equal(content, tokenizer.IdToToken(id));
            Assert.Equal(token.GetProperty("special").GetBoolean(), tokenizer.IsSpecial(id));
        }
        Assert.Null(tokenizer.IdToToken(int.MaxValue));
        Assert.Null(tokenizer.TokenToId("no such token at all"));
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void TokenizesTheChatsOfModels(string name)
    {
        Skip.If(name.Length == 0, $"no model with a tokenizer below {Goldens.At("models")}");
        var tokenizer = Tokenizer.Load(Goldens.At("models", name, "tokenizer.json"));
        using var document = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("models", name, "cases.json")));
        var differences = new Differences();
        var cases = document.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.TryGetProperty("rendered", out _)).ToList();
        Skip.If(cases.Count == 0, $"{name} has no rendered chat");
        foreach (var item in cases)
        {
            var rendered = item.GetProperty("rendered").GetString()!;
            var ids = Ints(item, "new_ids");
            differences.Check(rendered, "prompt_ids", Ints(item, "prompt_ids"), tokenizer.Encode(rendered, false).Ids);
            differences.Check(rendered, "new_text", [item.GetProperty("new_text").GetString()], [tokenizer.Decode(ids, true)]);
            differences.Check(rendered, "new_text_with_special", [item.GetProperty("new_text_with_special").GetString()], [tokenizer.Decode(ids, false)]);
            differences.Check(rendered, "stream", item.GetProperty("stream").EnumerateArray().Select(s => s.GetString()), Stream(tokenizer, ids, true));
        }
        differences.AssertNone();
    }

    [Fact]
    public void TokenizesThePromptsOfTheEmbeddedModel()
    {
        var folder = Path.Combine(Goldens.Repository, "tests", "data", "icc-tiny");
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        var differences = new Differences();
        foreach (var item in document.RootElement.GetProperty("cases").EnumerateArray().Where(c => c.TryGetProperty("prompt", out _)))
        {
            var prompt = item.GetProperty("prompt").GetString()!;
            var encoding = tokenizer.Encode(prompt, true);
            differences.Check(prompt, "prompt_ids", Ints(item, "prompt_ids"), encoding.Ids);
            differences.Check(prompt, "decoded", [prompt], [tokenizer.Decode(encoding.Ids, true)]);
            differences.Check(prompt, "points", LinesOfPoints(prompt), Pairs(item, "spans").Select(span =>
                prompt[encoding.Offsets[span.Item1].Start..encoding.Offsets[span.Item2 - 1].End]));
        }
        differences.AssertNone();

        // A span takes the line break before its point, so it is the point's line as the prompt has it.
        static IEnumerable<string> LinesOfPoints(string prompt) =>
            prompt.Split('\n').Where(line => line.StartsWith('[')).Select(line => $"\n{line}");
    }

    private static (Tokenizer Tokenizer, JsonElement Cases) Open(string name)
    {
        Skip.If(name.Length == 0, $"no tokenizer goldens below {Goldens.At("tokenizers")}");
        using var document = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("tokenizers", name, "cases.json")));
        return (Tokenizer.Load(Goldens.At("tokenizers", name, "tokenizer.json")), document.RootElement.Clone());
    }

    private static List<string?> Stream(Tokenizer tokenizer, IReadOnlyList<int> ids, bool skipSpecial)
    {
        var decoder = tokenizer.CreateStreamingDecoder(skipSpecial);
        return [.. ids.Select(decoder.Append)];
    }

    private static int[] Ints(JsonElement item, string key) => [.. item.GetProperty(key).EnumerateArray().Select(v => v.GetInt32())];

    private static IEnumerable<(int, int)> Pairs(JsonElement item, string key) =>
        item.GetProperty(key).EnumerateArray().Select(v => (v[0].GetInt32(), v[1].GetInt32()));
}
