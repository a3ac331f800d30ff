namespace IccEngine.Formats.Tokenizers;

/// <summary>A step that cuts the text into pieces which are tokenized one by one. Added tokens pass through.</summary>
internal interface IPreTokenizer
{
    List<Piece> Split(List<Piece> pieces);
}

/// <summary>What becomes of a match of a Split step.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Cuts at the matches of a pattern, or between them where inverted.</summary>
internal sealed class SplitPreTokenizer(IPattern pattern, SplitBehavior behavior, bool invert) : IPreTokenizer
{
    public List<Piece> Split(List<Piece> pieces)
    {
        var result = new List<Piece>(pieces.Count);
        var matches = new List<(int Start, int Length)>();
        var parts = new List<Splitting.Part>();
        AlignedText? text = null;
        IPatternScan? scan = null;
        foreach (var piece in pieces)
        {
            if (piece.TokenId >= 0)
            {
                result.Add(piece);
                continue;
            }
            if (text != piece.Text)
            {
                (text, scan) = (piece.Text, pattern.Begin(piece.Text));
            }
            matches.Clear();
            scan!.Find(piece.Start, piece.Length, matches);
            Splitting.Cover(piece, matches, invert, parts);
            Splitting.Apply(piece.Text, parts, behavior, result);
        }
        return result;
    }
}

/// <summary>Cuts where a property of the characters begins, ends or holds.</summary>
/// <param name="classOf">Class of a code point: 0 for ordinary text; a run of another class is one match.</param>
/// <param name="individually">Whether each code point of a class other than 0 is a match of its own.</param>
/// <param name="removedClass">The class whose runs are dropped, -1 for none.</param>
internal sealed class ClassPreTokenizer(Func<int, int> classOf, bool individually, int removedClass) : IPreTokenizer
{
    public List<Piece> Split(List<Piece> pieces)
    {
        var result = new List<Piece>(pieces.Count);
        foreach (var piece in pieces)
        {
            if (piece.TokenId >= 0)
            {
                result.Add(piece);
                continue;
            }
            var points = piece.Points;
            for (var i = 0; i < points.Length;)
            {
                var start = i;
                var kind = classOf(points[i++]);
                while (i < points.Length && !(individually && kind != 0) && classOf(points[i]) == kind)
                {
                    i++;
                }
                if (kind != removedClass)
                {
                    result.Add(new Piece(piece.Text, piece.Start + start, i - start));
                }
            }
        }
        return result;
    }
}

/// <summary>GPT-2's step: an optional leading space, an optional split, and every byte written as a character.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, SplitPreTokenizer? split) : IPreTokenizer
{
    public List<Piece> Split(List<Piece> pieces)
    {
        if (addPrefixSpace)
        {
            pieces = pieces.ConvertAll(piece => piece.TokenId >= 0 || piece.Points[0] == ' '
                ? piece
                : new Piece(piece.Text.Prepend([' '], piece.Start, piece.Length), 0, piece.Length + 1));
        }
        if (split is not null)
        {
            pieces = split.Split(pieces);
        }
        return ToBytes(pieces);
    }

    private static List<Piece> ToBytes(List<Piece> pieces)
    {
        var result = new List<Piece>(pieces.Count);
        var bytes = pieces.Count > 0 ? pieces[0].Text.NewEmpty(pieces.Sum(piece => piece.Length)) : null;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var piece in pieces)
        {
            if (piece.TokenId >= 0)
            {
                result.Add(piece);
                continue;
            }
            var start = bytes!.Length;
            for (var i = piece.Start; i < piece.Start + piece.Length; i++)
            {
                var length = new System.Text.Rune(piece.Text.Points[i]).EncodeToUtf8(utf8);
                foreach (var value in utf8[..length])
                {
                    bytes.Add(ByteAlphabet.Character(value), piece.Text.Starts[i], piece.Text.Ends[i]);
                }
            }
            result.Add(new Piece(bytes, start, bytes.Length - start));
        }
        return result;
    }
}

/// <summary>When a Metaspace step puts its marker before a piece.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>SentencePiece's step: spaces become a marker, which is also put before the text, and may begin a new piece.</summary>
internal sealed class MetaspacePreTokenizer(int replacement, PrependScheme prepend, bool split) : IPreTokenizer
{
    private readonly SplitPreTokenizer? splitter =
        split ? new SplitPreTokenizer(new LiteralPattern([replacement]), SplitBehavior.MergedWithNext, false) : null;

    public List<Piece> Split(List<Piece> pieces)
    {
        var marked = pieces.ConvertAll(piece => piece.TokenId >= 0 ? piece : Mark(piece));
        return splitter is null ? marked : splitter.Split(marked);
    }

    private Piece Mark(Piece piece)
    {
        var source = piece.Text;
        var text = source.NewEmpty(piece.Length + 1);
        var atStart = source.Starts[piece.Start] == 0;
        var marker = prepend == PrependScheme.Always || (prepend == PrependScheme.First && atStart);
        if (marker && piece.Points[0] != ' ' && piece.Points[0] != replacement)
        {
            text.Add(replacement, source.Starts[piece.Start], source.Ends[piece.Start]);
        }
        for (var i = piece.Start; i < piece.Start + piece.Length; i++)
        {
            text.Add(source.Points[i] == ' ' ? replacement : source.Points[i], source.Starts[i], source.Ends[i]);
        }
        return new Piece(text, 0, text.Length);
    }
}

internal sealed class PreTokenizerSequence(IReadOnlyList<IPreTokenizer> steps) : IPreTokenizer
{
    public List<Piece> Split(List<Piece> pieces) => steps.Aggregate(pieces, (current, step) => step.Split(current));
}
