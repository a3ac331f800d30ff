using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The original's rule found another number of spans than there are points; the original stops there too.</summary>
public sealed class SpanRuleException : IccException
{
    /// <summary>Creates the error.</summary>
    /// <param name="found">Spans found.</param>
    /// <param name="expected">Points.</param>
    public SpanRuleException(int found, int expected)
        : base($"the original's span rule finds {found} spans for {expected} points: it needs '[[', '],' and ' ],' as single tokens and no bracket before the data; "
            + "spans from character offsets have no such needs")
    {
        Found = found;
        Expected = expected;
    }

    /// <summary>Spans found.</summary>
    public int Found { get; }

    /// <summary>Points.</summary>
    public int Expected { get; }
}

/// <summary>
/// How the original of the paper finds the tokens of every point: a token that can begin "[" or "[[" opens a span and closes the one before
/// it; a token that can begin "]]" or "]\" ends the last span, itself included. Kept for comparisons; it depends on what a tokenizer merges,
/// and <see cref="TokenSpans"/> does not.
/// </summary>
/// <typeparam name="TToken">Token ids, or token texts.</typeparam>
public sealed class OriginalSpanRule<TToken>
    where TToken : notnull
{
    private readonly HashSet<TToken> _starts = [];
    private readonly HashSet<TToken> _ends = [];

    /// <summary>Finds the tokens that open and close spans.</summary>
    /// <param name="encode">Encodes a text without special tokens.</param>
    public OriginalSpanRule(Func<string, IReadOnlyList<TToken>> encode)
    {
        ArgumentNullException.ThrowIfNull(encode);
        foreach (var (set, bracket) in new[] { (_starts, "["), (_starts, "[["), (_ends, "]]"), (_ends, "]\\") })
        {
            foreach (var text in new[] { bracket, $" {bracket}", $"{bracket} ", $"{bracket}\n", $" {bracket}\n" })
            {
                if (encode(text) is [var first, ..])
                {
                    set.Add(first);
                }
            }
        }
    }

    /// <summary>Tokens that open a span.</summary>
    public IReadOnlySet<TToken> StartTokens => _starts;

    /// <summary>Tokens that close the last span.</summary>
    public IReadOnlySet<TToken> EndTokens => _ends;

    /// <summary>The span of every point, half-open.</summary>
    /// <param name="tokens">The prompt.</param>
    /// <param name="points">The number of points, n.</param>
    /// <exception cref="SpanRuleException">The rule does not find n spans.</exception>
    public TokenSpan[] Find(IReadOnlyList<TToken> tokens, int points)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var spans = new List<TokenSpan>();
        var start = 0;
        for (var i = 0; i < tokens.Count; i++)
        {
            if (_ends.Contains(tokens[i]))
            {
                spans.Add(new TokenSpan(start, i + 1));
                break;
            }
            if (_starts.Contains(tokens[i]))
            {
                spans.Add(new TokenSpan(start, i));
                start = i;
            }
        }
        // The first span is what stands before the data.
        var found = Math.Max(spans.Count - 1, 0);
        return found == points ? [.. spans.Skip(1)] : throw new SpanRuleException(found, points);
    }
}
