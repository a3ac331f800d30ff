using System.Text;

namespace IccEngine.Formats.Tokenizers;

/// <summary>A step that rewrites a text before it is cut.</summary>
internal interface INormalizer
{
    AlignedText Normalize(AlignedText text);
}

internal sealed class UnicodeFormNormalizer(bool compatible, bool compose) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        // A text below U+00C0 is in the canonical forms already, one below U+00A0 in all four.
        var first = text.Points.IndexOfAnyExceptInRange(0, compatible ? 0x9F : 0xBF);
        return first < 0 ? text : UnicodeNormalization.Normalize(text, compatible, compose);
    }
}

internal sealed class LowercaseNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var changes = new List<(int Point, int Change)>(text.Length);
        foreach (var point in text.Points)
        {
            // U+0130 is the only code point whose lower case is two code points.
            changes.Add((point == 0x130 ? 'i' : Rune.ToLowerInvariant(new Rune(point)).Value, 0));
            if (point == 0x130)
            {
                changes.Add((0x307, 1));
            }
        }
        return text.Transform(changes);
    }
}

internal sealed class PrependNormalizer(int[] prefix) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => text.Length == 0 ? text : text.Prepend(prefix, 0, text.Length);
}

/// <summary>Replaces every match; what is put in shares the range of the last code point that was taken out.</summary>
internal sealed class ReplaceNormalizer(IPattern pattern, int[] content) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var result = text.NewEmpty(text.Length);
        var end = 0;
        var matches = new List<(int Start, int Length)>();
        pattern.Begin(text).Find(0, text.Length, matches);
        foreach (var (start, length) in matches)
        {
            result.Add(text, end, start - end);
            end = start + length;
            foreach (var point in content)
            {
                result.Add(point, text.Starts[end - 1], text.Ends[end - 1]);
            }
        }
        result.Add(text, end, text.Length - end);
        return result;
    }
}

internal sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        var (start, end) = (0, text.Length);
        while (left && start < end && CodePoints.IsWhiteSpace(text.Points[start]))
        {
            start++;
        }
        while (right && end > start && CodePoints.IsWhiteSpace(text.Points[end - 1]))
        {
            end--;
        }
        return end - start == text.Length ? text : text.Slice(start, end - start);
    }
}

internal sealed class NormalizerSequence(IReadOnlyList<INormalizer> steps) : INormalizer
{
    public AlignedText Normalize(AlignedText text) => steps.Aggregate(text, (current, step) => step.Normalize(current));
}
