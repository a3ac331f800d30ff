namespace IccEngine.Formats.Tokenizers;

/// <summary>A step after tokenization: special tokens around the text, changed offsets.</summary>
internal interface IPostProcessor
{
    TokenList Process(TokenList tokens, bool addSpecialTokens);
}

/// <summary>Leaves leading and trailing spaces out of the offsets (GPT-2's trim_offsets).</summary>
internal sealed class TrimOffsetsPostProcessor(bool addPrefixSpace) : IPostProcessor
{
    public TokenList Process(TokenList tokens, bool addSpecialTokens)
    {
        for (var i = 0; i < tokens.Ids.Count; i++)
        {
            var points = tokens.Tokens[i];
            var (start, end) = tokens.Offsets[i];
            var leading = points.TakeWhile(IsSpace).Count();
            var trailing = points.Reverse().TakeWhile(IsSpace).Count();
            // A single space that begins the text may be the added one, which has no place in the text as given.
            if (leading == 1 && (i == 0 || start == 0) && addPrefixSpace)
            {
                leading = 0;
            }
            start = Math.Min(start + leading, end);
            if (end >= trailing)
            {
                end = Math.Max(end - trailing, start);
            }
            tokens.Offsets[i] = (start, end);
        }
        return tokens;
    }

    private static bool IsSpace(char c) => c == ByteAlphabet.Character((byte)' ') || char.IsWhiteSpace(c);
}

/// <summary>Puts special tokens before and after the text. Their offsets are (0, 0).</summary>
internal sealed class TemplatePostProcessor(
    IReadOnlyList<(int Id, string Token)> before, IReadOnlyList<(int Id, string Token)> after) : IPostProcessor
{
    public TokenList Process(TokenList tokens, bool addSpecialTokens)
    {
        if (!addSpecialTokens)
        {
            return tokens;
        }
        var result = new TokenList(before.Count + tokens.Ids.Count + after.Count);
        foreach (var (id, token) in before)
        {
            result.Add(id, token, 0, 0);
        }
        result.Ids.AddRange(tokens.Ids);
        result.Tokens.AddRange(tokens.Tokens);
        result.Offsets.AddRange(tokens.Offsets);
        foreach (var (id, token) in after)
        {
            result.Add(id, token, 0, 0);
        }
        return result;
    }
}

internal sealed class PostProcessorSequence(IReadOnlyList<IPostProcessor> steps) : IPostProcessor
{
    public TokenList Process(TokenList tokens, bool addSpecialTokens) =>
        steps.Aggregate(tokens, (current, step) => step.Process(current, addSpecialTokens));
}
