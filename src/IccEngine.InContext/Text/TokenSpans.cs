using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The tokens of every point, from the places of points and tokens in the text; works with any tokenizer.</summary>
public static class TokenSpans
{
    /// <summary>
    /// Gives every token to the point whose range holds the token's first character. Tokens without characters, and tokens that begin
    /// outside every range, belong to no point; one that stands between two tokens of the same point is within that point's span.
    /// </summary>
    /// <param name="points">The range of every point, ascending and apart from each other.</param>
    /// <param name="offsets">[Start, End) of every token in the same text and unit as the points.</param>
    /// <returns>The half-open range of tokens of every point.</returns>
    /// <exception cref="IccArgumentException">Ranges out of order, a point without a token, or two points whose tokens are mixed.</exception>
    public static TokenSpan[] FromOffsets(IReadOnlyList<(int Start, int End)> points, IReadOnlyList<(int Start, int End)> offsets)
    {
        ArgumentNullException.ThrowIfNull(points);
        ArgumentNullException.ThrowIfNull(offsets);
        var starts = new int[points.Count];
        for (var i = 0; i < points.Count; i++)
        {
            if (points[i].End <= points[i].Start || (i > 0 && points[i].Start < points[i - 1].End))
            {
                throw new IccArgumentException($"the range of point {i}, [{points[i].Start}, {points[i].End}), is empty or begins before the end of the point before it");
            }
            starts[i] = points[i].Start;
        }
        var spans = new TokenSpan[points.Count];
        Array.Fill(spans, new TokenSpan(-1, -1));
        for (var t = 0; t < offsets.Count; t++)
        {
            var (start, end) = offsets[t];
            var found = Array.BinarySearch(starts, start);
            var point = found >= 0 ? found : ~found - 1;
            if (end > start && point >= 0 && start < points[point].End)
            {
                spans[point] = new TokenSpan(spans[point].Start < 0 ? t : spans[point].Start, t + 1);
            }
        }
        for (var i = 0; i < spans.Length; i++)
        {
            if (spans[i].Start < 0)
            {
                throw new IccArgumentException($"point {i}, characters [{points[i].Start}, {points[i].End}), has no token: the tokenizer joined it to its neighbour, or the prompt was cut");
            }
            if (i > 0 && spans[i].Start < spans[i - 1].End)
            {
                throw new IccArgumentException($"the tokens of point {i} begin before those of point {i - 1} end: the offsets of the tokens do not ascend");
            }
        }
        return spans;
    }
}
