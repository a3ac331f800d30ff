namespace IccEngine.Formats;

/// <summary>
/// A tokenized text. The three lists are of one length. (The tokenizers library calls this Encoding; the name is taken
/// by System.Text.)
/// </summary>
public sealed class TokenEncoding
{
    internal TokenEncoding(IReadOnlyList<int> ids, IReadOnlyList<string> tokens, IReadOnlyList<(int Start, int End)> offsets)
    {
        Ids = ids;
        Tokens = tokens;
        Offsets = offsets;
    }

    /// <summary>Token ids.</summary>
    public IReadOnlyList<int> Ids { get; }

    /// <summary>Tokens as they stand in the vocabulary; for an added token the text it was found as.</summary>
    public IReadOnlyList<string> Tokens { get; }

    /// <summary>
    /// The range [start, end) of each token in Unicode code points of the text as given: neither UTF-16 units nor bytes
    /// (<see cref="CodePointIndex"/> converts). All tokens of one split character have that character's range, so ranges
    /// may overlap; a token that the post-processor added has (0, 0), and a range may be empty.
    /// </summary>
    public IReadOnlyList<(int Start, int End)> Offsets { get; }
}

/// <summary>
/// Converts positions in a string's UTF-16 units to positions in code points, the unit of
/// <see cref="TokenEncoding.Offsets"/>. A lone surrogate counts as one code point.
/// </summary>
public sealed class CodePointIndex
{
    // Indices of the second halves of surrogate pairs, ascending.
    private readonly List<int> secondHalves = [];
    private readonly int length;

    /// <summary>Reads a text once; takes memory only for its characters outside the BMP.</summary>
    public CodePointIndex(string text)
    {
        length = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i - 1], text[i]))
            {
                secondHalves.Add(i);
            }
        }
    }

    /// <summary>Number of code points of the text.</summary>
    public int Length => length - secondHalves.Count;

    /// <summary>
    /// The code point that a UTF-16 unit belongs to; for <c>text.Length</c> the number of code points. O(log k) for k
    /// characters outside the BMP.
    /// </summary>
    /// <param name="utf16">Index from 0 to the length of the text.</param>
    /// <exception cref="Core.IccArgumentException">The index is outside the text.</exception>
    public int FromUtf16(int utf16)
    {
        if ((uint)utf16 > (uint)length)
        {
            throw new Core.IccArgumentException($"utf16: found {utf16}, expected 0 to {length}");
        }
        var found = secondHalves.BinarySearch(utf16);
        return utf16 - (found >= 0 ? found + 1 : ~found);
    }
}
