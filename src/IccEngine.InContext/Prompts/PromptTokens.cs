using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>From a text and the character ranges of its points to tokens and token spans.</summary>
public static class PromptTokens
{
    /// <summary>Tokenizes a prompt; a token belongs to the point in whose range its first character lies.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="text">The prompt.</param>
    /// <param name="points">Range [start, end) of every point in UTF-16 units of the text; in order and disjoint.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer adds what it adds, a begin mark for example.</param>
    /// <param name="plain">Ranges of text in which no special token is recognised, for it comes from elsewhere; in order and disjoint; null: none.</param>
    /// <exception cref="IccArgumentException">Ranges that overlap, are out of order or outside the text, or hold no token.</exception>
    public static EncodedPrompt Encode(
        Tokenizer tokenizer, string text, IReadOnlyList<(int Start, int End)> points, bool addSpecialTokens,
        IReadOnlyList<(int Start, int End)>? plain = null)
    {
        var encoding = tokenizer.Encode(text, addSpecialTokens, plain ?? []);
        var index = new CodePointIndex(text);
        var ranges = points.Select(p => (index.FromUtf16(p.Start), index.FromUtf16(p.End))).ToArray();
        return new EncodedPrompt([.. encoding.Ids], TokenSpans.FromOffsets(ranges, encoding.Offsets));
    }
}
