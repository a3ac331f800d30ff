using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>What holds for every text.</summary>
public class PropertyTests
{
    [Theory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void OffsetsAreOrderedAndCoverTheText(string file)
    {
        var tokenizer = Tokenizer.Load(file);
        var json = JsonNode.Parse(File.ReadAllBytes(file))!;
        // A step that trims offsets moves the start of a token of spaces alone past the start of the next.
        var steps = json["post_processor"]?["processors"]?.AsArray() ?? [json["post_processor"]?.DeepClone()];
        var trims = steps.Any(step => (string?)step?["type"] == "ByteLevel" && (bool?)step["trim_offsets"] == true);
        var plain = json["normalizer"] is null && !trims && (string?)json["decoder"]?["type"] == "ByteLevel";
        var random = new Random(1);
        for (var round = 0; round < 2000; round++)
        {
            var text = Samples.RandomText(random);
            var encoding = tokenizer.Encode(text, false);
            var length = Samples.CountCodePoints(text);
            Assert.Equal(encoding.Ids.Count, encoding.Tokens.Count);
            Assert.Equal(encoding.Ids.Count, encoding.Offsets.Count);
            Assert.All(encoding.Ids, id => Assert.NotNull(tokenizer.IdToToken(id)));
            Assert.All(encoding.Offsets, o => Assert.True(o.Start >= 0 && o.Start <= o.End && o.End <= length));
            for (var i = 1; i < encoding.Ids.Count; i++)
            {
                var (before, after) = (encoding.Offsets[i - 1], encoding.Offsets[i]);
                Assert.True((trims || before.Start <= after.Start) && before.End <= after.End, $"{text}: {before} before {after}");
                // No code point is left out between two tokens where nothing rewrites or trims.
                Assert.True(!plain || after.Start <= before.End, $"{text}: {before} before {after}");
            }
            if (plain && length > 0)
            {
                Assert.Equal((0, length), (encoding.Offsets[0].Start, encoding.Offsets[^1].End));
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void DecodingGivesTheTextBack(string file)
    {
        var json = JsonNode.Parse(File.ReadAllBytes(file))!;
        SkipUnlessByteLevel(json);
        var tokenizer = Tokenizer.Load(file);
        var prefixed = (bool?)json["pre_tokenizer"]?["add_prefix_space"] == true;
        var added = json["added_tokens"]!.AsArray().Select(token => (string)token!["content"]!).ToList();
        var random = new Random(2);
        for (var round = 0; round < 2000; round++)
        {
            var text = Samples.RandomText(random);
            // What an added token takes from its neighbours is lost, and the text after it may get a space of its own.
            if (added.Any(text.Contains))
            {
                continue;
            }
            var expected = (prefixed && text.Length > 0 && text[0] != ' ' ? " " : "") + tokenizer.Normalize(text);
            Assert.Equal(expected, tokenizer.Decode(tokenizer.Encode(text, false).Ids, false));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void StreamedPiecesAddUpToTheDecoding(string file)
    {
        SkipUnlessByteLevel(JsonNode.Parse(File.ReadAllBytes(file))!);
        var tokenizer = Tokenizer.Load(file);
        var random = new Random(3);
        for (var round = 0; round < 500; round++)
        {
            var text = Samples.RandomText(random).Replace("\uFFFD", "", StringComparison.Ordinal);
            var ids = tokenizer.Encode(text, true).Ids;
            var decoder = tokenizer.CreateStreamingDecoder(true);
            Assert.Equal(tokenizer.Decode(ids, true), string.Concat(ids.Select(decoder.Append)));
        }
    }

    [Theory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void ThreadsDoNotDisturbEachOther(string file)
    {
        var tokenizer = Tokenizer.Load(file);
        var random = new Random(4);
        var texts = Enumerable.Range(0, 200).Select(_ => Samples.RandomText(random)).ToArray();
        var expected = texts.Select(text => tokenizer.Encode(text, true).Ids).ToArray();
        Parallel.For(0, 4 * texts.Length, i => Assert.Equal(expected[i % texts.Length], tokenizer.Encode(texts[i % texts.Length], true).Ids));
    }

    [Theory]
    [MemberData(nameof(Samples.Files), MemberType = typeof(Samples))]
    public void LoneSurrogatesAreReplacementCharacters(string file)
    {
        var tokenizer = Tokenizer.Load(file);
        foreach (var text in new[] { "\uD83D", "a\uDE00b", "\uDE00\uD83D", "x \uD83D\uD83D\uDE00" })
        {
            var clean = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            Assert.Equal(tokenizer.Encode(clean, true).Ids, tokenizer.Encode(text, true).Ids);
            Assert.Equal(tokenizer.Encode(clean, true).Offsets, tokenizer.Encode(text, true).Offsets);
        }
    }

    [Fact]
    public void CodePointIndexCountsAsRunesDo()
    {
        var random = new Random(5);
        for (var round = 0; round < 200; round++)
        {
            var text = Samples.RandomText(random) + (round % 3 == 0 ? "\uD83D" : round % 3 == 1 ? "\uDE00\uDE00" : "");
            var index = new CodePointIndex(text);
            Assert.Equal(Samples.CountCodePoints(text), index.Length);
            var (utf16, point) = (0, 0);
            foreach (var rune in text.EnumerateRunes())
            {
                for (var unit = 0; unit < rune.Utf16SequenceLength; unit++)
                {
                    Assert.Equal(point, index.FromUtf16(utf16++));
                }
                point++;
            }
            Assert.Equal(point, index.FromUtf16(text.Length));
        }
        Assert.Throws<Core.IccArgumentException>(() => new CodePointIndex("ab").FromUtf16(3));
        Assert.Throws<Core.IccArgumentException>(() => new CodePointIndex("ab").FromUtf16(-1));
    }

    private static void SkipUnlessByteLevel(JsonNode json) => Skip.If(
        (string?)json["decoder"]?["type"] != "ByteLevel" || (string?)json["normalizer"]?["type"] is not (null or "NFC"),
        "only a byte-level tokenizer with no normalizer but NFC keeps the whole text");
}
