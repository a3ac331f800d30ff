using System.Text.Json.Nodes;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Sequences on which the library's stream decoder fails or never gives anything.</summary>
public class StreamingDecoderTests
{
    [Fact]
    public void BytesThatBreakTheTextBeforeDoNotStopTheStream()
    {
        var tokenizer = Samples.Parse(Samples.Small());
        var decoder = tokenizer.CreateStreamingDecoder(false);
        // C3 A9 is a letter; another C3 makes the run of bytes as a whole invalid.
        var (first, second, letter) = (tokenizer.TokenToId("<0xC3>")!.Value, tokenizer.TokenToId("<0xA9>")!.Value, tokenizer.TokenToId("a")!.Value);
        Assert.Null(decoder.Append(first));
        Assert.Equal("\u00E9", decoder.Append(second));
        Assert.Null(decoder.Append(first));
        Assert.Equal("\uFFFDa", decoder.Append(letter));
        Assert.Equal("a", decoder.Append(letter));
    }

    [Fact]
    public void UnfinishedTextDoesNotWaitForever()
    {
        var tokenizer = Samples.Parse(Samples.Small());
        var decoder = tokenizer.CreateStreamingDecoder(false);
        var half = tokenizer.TokenToId("<0xC3>")!.Value;
        var text = string.Concat(Enumerable.Range(0, 3000).Select(_ => decoder.Append(half)));
        Assert.InRange(text.Length, 1000, 3000);
        Assert.All(text, c => Assert.Equal('\uFFFD', c));
    }

    [Fact]
    public void SkippedTokensAndUnknownIdsGiveNothing()
    {
        var tokenizer = Samples.Parse(Samples.Small());
        var decoder = tokenizer.CreateStreamingDecoder(true);
        Assert.All(Enumerable.Repeat(0, 3000), id => Assert.Null(decoder.Append(id)));
        Assert.Null(decoder.Append(int.MaxValue));
        Assert.Null(decoder.Append(-1));
        Assert.Equal("b", decoder.Append(tokenizer.TokenToId("b")!.Value));
    }

    [Fact]
    public void WithoutADecoderTokensAreJoinedBySpaces()
    {
        var json = Samples.Small();
        json["decoder"] = (JsonNode?)null;
        Assert.Equal("a <0xC3> b", Samples.Parse(json).Decode([2, 8, 3], false));
    }
}
