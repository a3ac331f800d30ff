namespace IccEngine.Formats.Tokenizers;

/// <summary>From the matches of a pattern to pieces.</summary>
internal static class Splitting
{
    /// <summary>A part of a text that is, or is not, a match; positions are those of the text.</summary>
    public record struct Part(int Start, int End, bool IsMatch);

    /// <summary>Writes the matches and what lies between them to <paramref name="parts"/>, in order.</summary>
    public static void Cover(Piece piece, List<(int Start, int Length)> matches, bool invert, List<Part> parts)
    {
        parts.Clear();
        var end = piece.Start;
        foreach (var (start, length) in matches)
        {
            if (start > end)
            {
                parts.Add(new Part(end, start, invert));
            }
            end = start + length;
            parts.Add(new Part(start, end, !invert));
        }
        if (end < piece.Start + piece.Length)
        {
            parts.Add(new Part(end, piece.Start + piece.Length, invert));
        }
    }

    /// <summary>Appends the pieces that a behavior makes of parts; <paramref name="parts"/> is used up.</summary>
    public static void Apply(AlignedText text, List<Part> parts, SplitBehavior behavior, List<Piece> pieces)
    {
        var (first, previousIsMatch) = (pieces.Count, false);
        if (behavior == SplitBehavior.MergedWithNext)
        {
            parts.Reverse();
        }
        foreach (var part in parts)
        {
            var merge = pieces.Count > first && behavior switch
            {
                SplitBehavior.Contiguous => part.IsMatch == previousIsMatch,
                SplitBehavior.MergedWithPrevious or SplitBehavior.MergedWithNext => part.IsMatch && !previousIsMatch,
                _ => false,
            };
            if (merge)
            {
                var last = pieces[^1];
                pieces[^1] = last with { Start = Math.Min(last.Start, part.Start), Length = last.Length + part.End - part.Start };
            }
            else if (behavior != SplitBehavior.Removed || !part.IsMatch)
            {
                pieces.Add(new Piece(text, part.Start, part.End - part.Start));
            }
            previousIsMatch = part.IsMatch;
        }
        if (behavior == SplitBehavior.MergedWithNext)
        {
            pieces.Reverse(first, pieces.Count - first);
        }
    }
}
