using IccEngine.Core;
using IccEngine.Formats.Tokenizers;

namespace IccEngine.Formats;

/// <summary>
/// A tokenizer read from Hugging Face's tokenizer.json: byte-pair encoding, byte-level or SentencePiece style, with the
/// normalizers, pre-tokenizers, post-processors and decoders that such files of Llama, Qwen, Mistral and GPT-2 use.
/// It gives the ids of the tokenizers library. Immutable and safe to use from any number of threads.
/// </summary>
public sealed class Tokenizer
{
    private readonly TokenizerParts parts;
    private readonly string file;

    private Tokenizer(TokenizerParts parts, string file)
    {
        this.parts = parts;
        this.file = file;
        VocabularySize = parts.Model.Count + parts.AddedCount;
    }

    /// <summary>Number of tokens, added ones included. Ids need not be consecutive.</summary>
    public int VocabularySize { get; }

    /// <summary>Reads a tokenizer.json.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="IccFormatException">The file cannot be read, or is not a tokenizer.</exception>
    /// <exception cref="IccUnsupportedException">It asks for a model, a step or a pattern that this engine does not have.</exception>
    public static Tokenizer Load(string path) => new(TokenizerReader.Read(JsonPlace.ReadBytes(path), path), path);

    /// <summary>Reads a tokenizer from the bytes of a tokenizer.json.</summary>
    /// <param name="utf8Json">The bytes.</param>
    /// <param name="name">Name for messages.</param>
    /// <exception cref="IccFormatException">The bytes are not a tokenizer.</exception>
    /// <exception cref="IccUnsupportedException">They ask for a model, a step or a pattern that this engine does not have.</exception>
    public static Tokenizer Parse(ReadOnlySpan<byte> utf8Json, string name) => new(TokenizerReader.Read(utf8Json.ToArray(), name), name);

    /// <summary>
    /// Tokenizes a text. Added tokens in it, special ones too, are recognised. A lone surrogate counts as U+FFFD. Time is
    /// O(n log n) in the length of the text.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether to put the tokens around it that the post-processor asks for (such as bos).</param>
    /// <exception cref="IccUnsupportedException">A pattern of the file needs more than linear time on this text.</exception>
    /// <exception cref="IccFormatException">The file's normalizers make the text more than 64 times longer.</exception>
    public TokenEncoding Encode(string text, bool addSpecialTokens) => Encode(text, addSpecialTokens, []);

    /// <summary>
    /// Tokenizes a text of which some parts come from elsewhere: no special token is recognised that has a character in one of these, as
    /// with split_special_tokens of transformers and without parse_special of llama.cpp. The text is still tokenized as one: merges go
    /// across the ends of the parts, and where no part holds the text of a special token, nothing is different. Added tokens that are not
    /// special are recognised everywhere.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether to put the tokens around it that the post-processor asks for (such as bos).</param>
    /// <param name="plain">Range [start, end) of every such part in UTF-16 units of the text; in order and disjoint.</param>
    /// <exception cref="IccArgumentException">Ranges that overlap, are out of order or outside the text.</exception>
    /// <exception cref="IccUnsupportedException">A pattern of the file needs more than linear time on this text.</exception>
    /// <exception cref="IccFormatException">The file's normalizers make the text more than 64 times longer.</exception>
    public TokenEncoding Encode(string text, bool addSpecialTokens, IReadOnlyList<(int Start, int End)> plain)
    {
        var pieces = parts.Added.Split(AlignedText.Of(text, file), PlainRanges.Of(text, plain));
        pieces = parts.PreTokenizer?.Split(pieces) ?? pieces;
        var merger = new BpeMerger();
        var tokens = new TokenList(pieces.Count);
        foreach (var piece in pieces)
        {
            if (piece.TokenId >= 0)
            {
                var last = piece.Start + piece.Length - 1;
                tokens.Add(piece.TokenId, CodePoints.ToText(piece.Points), piece.Text.Starts[piece.Start], piece.Text.Ends[last]);
            }
            else
            {
                parts.Model.Tokenize(piece, merger, tokens);
            }
        }
        tokens = parts.PostProcessor?.Process(tokens, addSpecialTokens) ?? tokens;
        return new TokenEncoding(tokens.Ids, tokens.Tokens, tokens.Offsets);
    }

    /// <summary>The text of ids. Ids that are not in the vocabulary are left out; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="ids">Token ids, in any order.</param>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>(ids.Count);
        foreach (var id in ids)
        {
            if (IdToToken(id) is { } token && !(skipSpecialTokens && parts.Added.IsSpecial(token)))
            {
                tokens.Add(token);
            }
        }
        return parts.Decoder is { } decoder ? string.Concat(decoder.Decode(tokens)) : string.Join(' ', tokens);
    }

    /// <summary>Starts decoding a sequence whose ids come one by one.</summary>
    /// <param name="skipSpecialTokens">Whether to leave special tokens out.</param>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecialTokens) => new(this, skipSpecialTokens);

    /// <summary>The id of a token as it stands in the vocabulary (so with byte characters or markers), null where there is none.</summary>
    public int? TokenToId(string token) => parts.Added.IdOf(token) ?? parts.Model.IdOf(token);

    /// <summary>The token of an id as it stands in the vocabulary, null where there is none.</summary>
    public string? IdToToken(int id) => parts.Added.TokenOf(id) ?? parts.Model.TokenOf(id);

    /// <summary>Whether an id is that of a special token, which decoding may leave out.</summary>
    public bool IsSpecial(int id) => parts.Added.TokenOf(id) is { } token && parts.Added.IsSpecial(token);

    /// <summary>The text after the normalizer alone.</summary>
    internal string Normalize(string text)
    {
        var aligned = AlignedText.Of(text, file);
        return CodePoints.ToText((parts.Normalizer?.Normalize(aligned) ?? aligned).Points);
    }

    /// <summary>The ranges of code points of the pieces that the pre-tokenizer alone makes; null where there is none.</summary>
    internal IReadOnlyList<(int Start, int End)>? PreTokenize(string text)
    {
        var aligned = AlignedText.Of(text, file);
        List<Piece> pieces = aligned.Length == 0 ? [] : [new Piece(aligned, 0, aligned.Length)];
        return parts.PreTokenizer?.Split(pieces).ConvertAll(p => (p.Text.Starts[p.Start], p.Text.Ends[p.Start + p.Length - 1]));
    }
}
