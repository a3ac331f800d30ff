using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>
/// A text of code points on its way through normalizers and pre-tokenizers. Each code point carries the range of code
/// points of the text as given that it stands for, so that tokens can be traced back to it.
/// </summary>
internal sealed class AlignedText
{
    private readonly string file;
    private readonly int limit;
    private int[] points;
    private int[] starts;
    private int[] ends;

    private AlignedText(string file, int limit, int capacity)
    {
        this.file = file;
        this.limit = limit;
        points = new int[capacity];
        starts = new int[capacity];
        ends = new int[capacity];
    }

    public int Length { get; private set; }

    public ReadOnlySpan<int> Points => points.AsSpan(0, Length);

    /// <summary>Start, in code points of the text as given, of each code point here.</summary>
    public ReadOnlySpan<int> Starts => starts.AsSpan(0, Length);

    /// <summary>End (exclusive) of each code point here.</summary>
    public ReadOnlySpan<int> Ends => ends.AsSpan(0, Length);

    /// <summary>
    /// The text as given, aligned with itself. What is made of it may become at most 64 times longer: a file of a few
    /// kilobytes could otherwise ask for any amount of memory.
    /// </summary>
    /// <param name="text">The text; a lone surrogate becomes U+FFFD.</param>
    /// <param name="file">The tokenizer's file, for messages.</param>
    public static AlignedText Of(string text, string file)
    {
        var points = CodePoints.Of(text);
        var aligned = new AlignedText(file, (int)Math.Min(64L * points.Length + 4096, Array.MaxLength), 0)
        {
            points = points,
            starts = new int[points.Length],
            ends = new int[points.Length],
            Length = points.Length,
        };
        for (var i = 0; i < points.Length; i++)
        {
            aligned.starts[i] = i;
            aligned.ends[i] = i + 1;
        }
        return aligned;
    }

    /// <summary>An empty text under the same limit.</summary>
    public AlignedText NewEmpty(int capacity) => new(file, limit, capacity);

    public void Add(int point, int start, int end)
    {
        if (Length == points.Length)
        {
            Grow(Length + 1);
        }
        points[Length] = point;
        starts[Length] = start;
        ends[Length++] = end;
    }

    public void Add(AlignedText source, int start, int length)
    {
        Grow(Length + length);
        source.points.AsSpan(start, length).CopyTo(points.AsSpan(Length));
        source.starts.AsSpan(start, length).CopyTo(starts.AsSpan(Length));
        source.ends.AsSpan(start, length).CopyTo(ends.AsSpan(Length));
        Length += length;
    }

    public AlignedText Slice(int start, int length)
    {
        var slice = NewEmpty(length);
        slice.Add(this, start, length);
        return slice;
    }

    /// <summary>
    /// Rebuilds the text from changes in order: a change of 0 replaces the next code point, a positive one inserts a code
    /// point that shares the range of the one before, and -k replaces the next and drops k further ones.
    /// </summary>
    public AlignedText Transform(IReadOnlyCollection<(int Point, int Change)> changes)
    {
        var result = NewEmpty(changes.Count);
        var at = 0;
        foreach (var (point, change) in changes)
        {
            var from = change > 0 ? Math.Max(at - 1, 0) : at;
            result.Add(point, starts[from], ends[from]);
            at += change > 0 ? 0 : 1 - change;
        }
        return result;
    }

    /// <summary>A copy of a part with code points before it that share the range of its first one.</summary>
    public AlignedText Prepend(ReadOnlySpan<int> prefix, int start, int length)
    {
        var result = NewEmpty(prefix.Length + length);
        foreach (var point in prefix)
        {
            result.Add(point, starts[start], ends[start]);
        }
        result.Add(this, start, length);
        return result;
    }

    private void Grow(int needed)
    {
        if (needed > limit || needed < 0)
        {
            throw new IccFormatException(file, $"normalizer and pre-tokenizer make the text more than 64 times longer (limit {limit} code points)");
        }
        if (needed > points.Length)
        {
            var capacity = (int)Math.Min(limit, Math.Max(needed, 2L * points.Length));
            Array.Resize(ref points, capacity);
            Array.Resize(ref starts, capacity);
            Array.Resize(ref ends, capacity);
        }
    }
}

/// <summary>A part of a text between two cuts: either an added token, or text still to be tokenized.</summary>
/// <param name="Text">The text it is part of.</param>
/// <param name="Start">First code point in <paramref name="Text"/>.</param>
/// <param name="Length">Number of code points, at least 1.</param>
/// <param name="TokenId">Id of the added token, -1 for text.</param>
internal readonly record struct Piece(AlignedText Text, int Start, int Length, int TokenId = -1)
{
    public ReadOnlySpan<int> Points => Text.Points.Slice(Start, Length);
}
