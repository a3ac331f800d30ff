using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Parts of a text that hold no special token whatever they say, with every tokenizer of the expected values.</summary>
[Trait("Category", "Goldens")]
public class PlainTextTests
{
    /// <summary>Folders below tokenizers/; one empty name where there are none, so that the tests report a skip.</summary>
    public static TheoryData<string> Names => [.. Goldens.Folders("tokenizers").DefaultIfEmpty("")];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Special_tokens_are_text_in_plain_parts_and_tokens_elsewhere(string name)
    {
        var tokenizer = Open(name);
        foreach (var special in Special(name))
        {
            var id = tokenizer.TokenToId(special)!.Value;
            var text = $"{special}a {special} b\n{special}";
            var encoding = tokenizer.Encode(text, addSpecialTokens: false, [(special.Length, text.Length - special.Length)]);
            var places = Enumerable.Range(0, encoding.Ids.Count).Where(i => encoding.Ids[i] == id).ToArray();
            Assert.Equal(2, places.Length);
            Assert.Equal((0, places[0], encoding.Ids.Count - 1), (encoding.Offsets[0].Start, 0, places[1]));
            Assert.DoesNotContain(encoding.Ids.Skip(1).SkipLast(1), tokenizer.IsSpecial);
            Assert.Contains(special, tokenizer.Decode(encoding.Ids, skipSpecialTokens: true), StringComparison.Ordinal);
            Assert.DoesNotContain(tokenizer.Encode(text, false, [(0, text.Length)]).Ids, tokenizer.IsSpecial);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void A_special_token_that_reaches_into_a_plain_part_by_one_character_is_text(string name)
    {
        var tokenizer = Open(name);
        foreach (var special in Special(name))
        {
            for (var cut = 1; cut < special.Length; cut++)
            {
                Assert.DoesNotContain(tokenizer.Encode(special, false, [(0, cut)]).Ids, tokenizer.IsSpecial);
                Assert.DoesNotContain(tokenizer.Encode(special, false, [(cut, special.Length)]).Ids, tokenizer.IsSpecial);
            }
            Assert.Contains(tokenizer.Encode($"x{special}y", false, [(0, 1), (special.Length + 1, special.Length + 2)]).Ids, tokenizer.IsSpecial);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Parts_without_special_tokens_change_nothing(string name)
    {
        var tokenizer = Open(name);
        var random = new Random(5);
        var compared = 0;
        foreach (var text in Texts(name))
        {
            var whole = tokenizer.Encode(text, addSpecialTokens: true);
            var specials = whole.Offsets.Where((o, i) => o.End > o.Start && tokenizer.IsSpecial(whole.Ids[i])).ToArray();
            var index = new CodePointIndex(text);
            var plain = new List<(int Start, int End)>();
            for (var at = 0; at < text.Length;)
            {
                var end = Math.Min(text.Length, at + random.Next(0, 9));
                if (specials.All(s => index.FromUtf16(end) <= s.Start || index.FromUtf16(at) >= s.End))
                {
                    plain.Add((at, end));
                }
                at = end + random.Next(0, 3);
            }
            var parts = tokenizer.Encode(text, addSpecialTokens: true, plain);
            Assert.Equal(whole.Ids, parts.Ids);
            Assert.Equal(whole.Offsets, parts.Offsets);
            compared += plain.Count;
        }
        Assert.NotEqual(0, compared);
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Ranges_that_cannot_be_are_refused(string name)
    {
        var tokenizer = Open(name);
        (int Start, int End)[][] wrong = [[(-1, 1)], [(2, 1)], [(0, 4)], [(0, 2), (1, 3)], [(2, 3), (0, 1)], [(int.MaxValue, int.MaxValue)]];
        foreach (var ranges in wrong)
        {
            Assert.Contains("plain range", Assert.Throws<IccArgumentException>(() => tokenizer.Encode("abc", false, ranges)).Message, StringComparison.Ordinal);
        }
        Assert.Equal(tokenizer.Encode("abc", false).Ids, tokenizer.Encode("abc", false, [(0, 0), (1, 1), (3, 3)]).Ids);
    }

    private static Tokenizer Open(string name)
    {
        Skip.If(name.Length == 0, $"no tokenizers below {Goldens.At("tokenizers")}");
        return Tokenizer.Load(Goldens.At("tokenizers", name, "tokenizer.json"));
    }

    /// <summary>Special tokens that are found wherever they stand, and take no white space with them.</summary>
    private static List<string> Special(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("tokenizers", name, "tokenizer.json")));
        List<string> found = [.. file.RootElement.GetProperty("added_tokens").EnumerateArray()
            .Where(t => t.GetProperty("special").GetBoolean() && !new[] { "single_word", "lstrip", "rstrip" }.Any(k => t.GetProperty(k).GetBoolean()))
            .Select(t => t.GetProperty("content").GetString()!)];
        Assert.NotEmpty(found);
        return found;
    }

    private static List<string> Texts(string name)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("tokenizers", name, "cases.json")));
        return [.. file.RootElement.GetProperty("encode").EnumerateArray().Select(e => e.GetProperty("text").GetString()!)];
    }
}
