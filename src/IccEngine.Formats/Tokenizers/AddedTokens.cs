using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>A token that is found in the text itself, before any normalizer or pre-tokenizer sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text that is looked for.</param>
/// <param name="SingleWord">Whether it counts only where no word character touches it.</param>
/// <param name="LeftStrip">Whether it takes the white space before it.</param>
/// <param name="RightStrip">Whether it takes the white space after it.</param>
/// <param name="Normalized">Whether it is looked for in the normalized text.</param>
/// <param name="Special">Whether decoding may skip it.</param>
internal sealed record AddedToken(
    int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);

/// <summary>Finds added tokens in a text: at each place the longest that begins there, from left to right.</summary>
internal sealed class AddedTokenMatcher
{
    /// <summary>Longest content, in code points, that is accepted: a search takes up to this many steps per character.</summary>
    public const int MaximumLength = 1000;

    private readonly Dictionary<(int Node, int Point), int> edges = [];
    private readonly Dictionary<int, AddedToken> ends = [];

    /// <summary>Builds the trie.</summary>
    /// <param name="patterns">Tokens and the code points each is looked for as; empty ones are never found.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, int[] Pattern)> patterns)
    {
        foreach (var (token, pattern) in patterns)
        {
            var node = 0;
            foreach (var point in pattern)
            {
                if (!edges.TryGetValue((node, point), out var next))
                {
                    edges[(node, point)] = next = edges.Count + 1;
                }
                node = next;
            }
            if (node != 0)
            {
                ends.TryAdd(node, token);
            }
        }
    }

    /// <summary>Cuts a text at the added tokens in it; special ones only where none of their characters is plain.</summary>
    public void Split(AlignedText text, PlainRanges plain, List<Piece> pieces)
    {
        var points = text.Points;
        var done = 0;
        for (var at = 0; at < points.Length && ends.Count > 0;)
        {
            if (Longest(text, at, plain, out var length) is not { } token)
            {
                at++;
                continue;
            }
            var (start, end) = (at, at + length);
            at = end;
            // A token that begins with white space may find it taken by the one before.
            if (start < done)
            {
                continue;
            }
            if (token.SingleWord && ((start > 0 && CodePoints.IsWord(points[start - 1])) || (end < points.Length && CodePoints.IsWord(points[end]))))
            {
                continue;
            }
            while (token.LeftStrip && start > done && CodePoints.IsWhiteSpace(points[start - 1]))
            {
                start--;
            }
            while (token.RightStrip && end < points.Length && CodePoints.IsWhiteSpace(points[end]))
            {
                end++;
            }
            AddText(text, done, start, pieces);
            pieces.Add(new Piece(text, start, end - start, token.Id));
            done = end;
        }
        AddText(text, done, points.Length, pieces);
    }

    private static void AddText(AlignedText text, int start, int end, List<Piece> pieces)
    {
        if (end > start)
        {
            pieces.Add(new Piece(text, start, end - start));
        }
    }

    private AddedToken? Longest(AlignedText text, int at, PlainRanges plain, out int length)
    {
        AddedToken? found = null;
        length = 0;
        for (int i = at, node = 0; i < text.Length && edges.TryGetValue((node, text.Points[i]), out node);)
        {
            i++;
            if (ends.TryGetValue(node, out var token) && !(token.Special && plain.Touch(text.Starts[at], text.Ends[i - 1])))
            {
                (found, length) = (token, i - at);
            }
        }
        return found;
    }
}

/// <summary>The added tokens of a tokenizer: those looked for in the text as given, then those in the normalized text.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<int, AddedToken> byId = [];
    private readonly Dictionary<string, int> byContent = [];
    private readonly HashSet<string> special = [];
    private readonly AddedTokenMatcher raw;
    private readonly AddedTokenMatcher normalized;
    private readonly INormalizer? normalizer;

    /// <summary>Creates it; ids and contents are distinct.</summary>
    public AddedVocabulary(IReadOnlyList<AddedToken> tokens, INormalizer? normalizer, string file)
    {
        this.normalizer = normalizer;
        foreach (var token in tokens)
        {
            byId[token.Id] = token;
            byContent[token.Content] = token.Id;
            if (token.Special)
            {
                special.Add(token.Content);
            }
        }
        raw = new AddedTokenMatcher(tokens.Where(t => !t.Normalized).Select(t => (t, CodePoints.Of(t.Content))));
        normalized = new AddedTokenMatcher(tokens.Where(t => t.Normalized).Select(t => (t, Pattern(t.Content, normalizer, file))));
    }

    public int? IdOf(string token) => byContent.TryGetValue(token, out var id) ? id : null;

    public string? TokenOf(int id) => byId.TryGetValue(id, out var token) ? token.Content : null;

    public bool IsSpecial(string token) => special.Contains(token);

    /// <summary>Cuts a text at added tokens and normalizes what lies between them.</summary>
    /// <param name="text">The text as given.</param>
    /// <param name="plain">Where no special token is recognised.</param>
    public List<Piece> Split(AlignedText text, PlainRanges plain)
    {
        var pieces = new List<Piece>();
        raw.Split(text, plain, pieces);
        var result = new List<Piece>(pieces.Count);
        foreach (var piece in pieces)
        {
            if (piece.TokenId >= 0)
            {
                result.Add(piece);
                continue;
            }
            var part = piece.Length == text.Length ? text : text.Slice(piece.Start, piece.Length);
            normalized.Split(normalizer?.Normalize(part) ?? part, plain, result);
        }
        return result;
    }

    private static int[] Pattern(string content, INormalizer? normalizer, string file)
    {
        var text = AlignedText.Of(content, file);
        var pattern = (normalizer?.Normalize(text) ?? text).Points.ToArray();
        return pattern.Length <= AddedTokenMatcher.MaximumLength
            ? pattern
            : throw new IccUnsupportedException($"{file}: added_tokens: a token of {pattern.Length} characters, limit {AddedTokenMatcher.MaximumLength}, is not supported");
    }
}
