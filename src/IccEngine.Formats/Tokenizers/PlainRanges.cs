using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>The parts of a text in which special tokens are not recognised, in code points.</summary>
internal readonly struct PlainRanges
{
    private readonly int[] _starts;
    private readonly int[] _ends;

    private PlainRanges(int[] starts, int[] ends) => (_starts, _ends) = (starts, ends);

    /// <summary>Reads ranges of UTF-16 units.</summary>
    /// <exception cref="IccArgumentException">They overlap, are out of order or outside the text.</exception>
    public static PlainRanges Of(string text, IReadOnlyList<(int Start, int End)> ranges)
    {
        if (ranges.Count == 0)
        {
            return new PlainRanges([], []);
        }
        var index = new CodePointIndex(text);
        var (starts, ends) = (new List<int>(ranges.Count), new List<int>(ranges.Count));
        for (var i = 0; i < ranges.Count; i++)
        {
            var (start, end) = ranges[i];
            if (start < 0 || end < start || end > text.Length || (i > 0 && start < ranges[i - 1].End))
            {
                throw new IccArgumentException($"plain range {i}, [{start}, {end}), of {text.Length} characters: expected ranges in order, disjoint and within the text");
            }
            if (end > start)
            {
                starts.Add(index.FromUtf16(start));
                ends.Add(index.FromUtf16(end - 1) + 1);
            }
        }
        return new PlainRanges([.. starts], [.. ends]);
    }

    /// <summary>Whether [start, end) has a code point in common with a range.</summary>
    public bool Touch(int start, int end)
    {
        // The last range that begins before the end: those before it end before it begins.
        var found = Array.BinarySearch(_starts, end);
        var last = (found >= 0 ? found : ~found) - 1;
        return last >= 0 && _ends[last] > start;
    }
}
