using System.Buffers;

namespace IccEngine.Formats.Tokenizers;

/// <summary>Receives tokens: the id, its text and the range of code points, of the text as given, that it stands for.</summary>
internal sealed class TokenList(int capacity)
{
    public List<int> Ids { get; } = new(capacity);

    public List<string> Tokens { get; } = new(capacity);

    public List<(int Start, int End)> Offsets { get; } = new(capacity);

    public void Add(int id, string token, int start, int end)
    {
        Ids.Add(id);
        Tokens.Add(token);
        Offsets.Add((start, end));
    }
}

/// <summary>
/// Byte-pair encoding (Sennrich et al. 2016) with the variants of the tokenizers library: byte fallback, fused unknown
/// tokens, and <c>ignore_merges</c>. Immutable.
/// </summary>
internal sealed class BpeModel
{
    private readonly Dictionary<string, int> vocabulary;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> spanLookup;
    private readonly Dictionary<int, string> tokens;
    private readonly Dictionary<int, int> characterIds = [];
    private readonly Dictionary<(int, int), Merge> merges;
    private readonly int[] mergeResults;
    private readonly int[]? byteIds;
    private readonly int unknownId;
    private readonly bool fuseUnknown;
    private readonly bool ignoreMerges;

    /// <summary>A pair's rank (lower merges first) and the token it becomes.</summary>
    public readonly record struct Merge(int Rank, int Id);

    /// <summary>Creates the model; the reader has checked that ids are distinct and merges known.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="tokens">Id to token.</param>
    /// <param name="merges">Pair of ids to merge.</param>
    /// <param name="mergeResults">The id each merge gives, by rank.</param>
    /// <param name="byteFallback">Whether an unknown character is written as its UTF-8 bytes, tokens &lt;0x00&gt; to &lt;0xFF&gt;.</param>
    /// <param name="unknownId">Id for unknown characters, -1 to leave them out.</param>
    /// <param name="fuseUnknown">Whether a run of unknown characters is one token.</param>
    /// <param name="ignoreMerges">Whether a piece that is a token is taken as it is.</param>
    public BpeModel(
        Dictionary<string, int> vocabulary, Dictionary<int, string> tokens, Dictionary<(int, int), Merge> merges,
        int[] mergeResults, bool byteFallback, int unknownId, bool fuseUnknown, bool ignoreMerges)
    {
        this.vocabulary = vocabulary;
        this.tokens = tokens;
        this.merges = merges;
        this.mergeResults = mergeResults;
        this.unknownId = unknownId;
        this.fuseUnknown = fuseUnknown;
        this.ignoreMerges = ignoreMerges;
        spanLookup = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var (token, id) in vocabulary)
        {
            if (token.Length == 1 || (token.Length == 2 && char.IsHighSurrogate(token[0])))
            {
                characterIds[char.ConvertToUtf32(token, 0)] = id;
            }
        }
        byteIds = byteFallback
            ? [.. Enumerable.Range(0, 256).Select(b => vocabulary.GetValueOrDefault($"<0x{b:X2}>", -1))]
            : null;
    }

    public int Count => vocabulary.Count;

    public int? IdOf(string token) => vocabulary.TryGetValue(token, out var id) ? id : null;

    public string? TokenOf(int id) => tokens.GetValueOrDefault(id);

    /// <summary>Appends the tokens of a piece.</summary>
    public void Tokenize(Piece piece, BpeMerger merger, TokenList into)
    {
        var starts = piece.Text.Starts;
        var ends = piece.Text.Ends;
        if (ignoreMerges && WholePiece(piece.Points) is var whole && whole >= 0)
        {
            into.Add(whole, tokens[whole], starts[piece.Start], ends[piece.Start + piece.Length - 1]);
            return;
        }
        merger.Clear();
        AddCharacters(piece.Points, merger);
        merger.MergeAll(merges, mergeResults);
        for (var i = 0; i >= 0 && i < merger.Count; i = merger.Next(i))
        {
            var (id, start, end) = merger.Symbol(i);
            into.Add(id, tokens[id], starts[piece.Start + start], ends[piece.Start + end - 1]);
        }
    }

    private int WholePiece(ReadOnlySpan<int> points)
    {
        var buffer = ArrayPool<char>.Shared.Rent(2 * points.Length);
        var length = 0;
        foreach (var point in points)
        {
            length += new System.Text.Rune(point).EncodeToUtf16(buffer.AsSpan(length));
        }
        var id = spanLookup.TryGetValue(buffer.AsSpan(0, length), out var found) ? found : -1;
        ArrayPool<char>.Shared.Return(buffer);
        return id;
    }

    /// <summary>The symbols before any merge.</summary>
    private void AddCharacters(ReadOnlySpan<int> points, BpeMerger merger)
    {
        // A run of unknown characters waits until a known one comes; byte tokens do not end it (as in the reference).
        var (unknownStart, unknownEnd) = (-1, -1);
        for (var i = 0; i < points.Length; i++)
        {
            if (characterIds.TryGetValue(points[i], out var id))
            {
                FlushUnknown();
                merger.Add(id, i, i + 1);
            }
            else if (!AddBytes(points[i], i, merger) && unknownId >= 0)
            {
                if (!fuseUnknown)
                {
                    FlushUnknown();
                }
                (unknownStart, unknownEnd) = (unknownStart < 0 ? i : unknownStart, i + 1);
            }
        }
        FlushUnknown();

        void FlushUnknown()
        {
            if (unknownStart >= 0)
            {
                merger.Add(unknownId, unknownStart, unknownEnd);
                unknownStart = -1;
            }
        }
    }

    private bool AddBytes(int point, int at, BpeMerger merger)
    {
        if (byteIds is null)
        {
            return false;
        }
        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..new System.Text.Rune(point).EncodeToUtf8(utf8)];
        foreach (var value in utf8)
        {
            if (byteIds[value] < 0)
            {
                return false;
            }
        }
        foreach (var value in utf8)
        {
            merger.Add(byteIds[value], at, at + 1);
        }
        return true;
    }
}
