using System.Text;

namespace IccEngine.Formats;

/// <summary>
/// Decodes a sequence whose ids come one by one, giving text as soon as it is complete. It follows the tokenizers
/// library's DecodeStream: text that ends in U+FFFD may be an unfinished character and waits for the next id, so text
/// that is still unfinished at the end of the sequence never comes. Not safe for use from several threads at once.
/// </summary>
public sealed class StreamingDecoder
{
    /// <summary>Ids that may be kept; past them, what text there is is given, so that a step's work is bounded.</summary>
    private const int MaximumKept = 1024;

    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;

    // The ids that the next piece is decoded with: those of the last piece as context, then those that wait.
    private readonly List<int> ids = [];
    private string prefix = "";
    private int prefixCount;

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Takes the next id.</summary>
    /// <param name="id">A token id; one that is not in the vocabulary gives no text.</param>
    /// <returns>
    /// The text that is new, null while there is none. Where the library would raise an error, because bytes that were
    /// text so far turn out to be part of a broken run, the waiting ids are decoded on their own.
    /// </returns>
    public string? Append(int id)
    {
        if (prefix.Length == 0 && ids.Count > 0 && Decode(ids) is var context && !Unfinished(context))
        {
            (prefix, prefixCount) = (context, ids.Count);
        }
        ids.Add(id);
        var text = Decode(ids);
        var full = ids.Count > MaximumKept;
        if (!full && (Unfinished(text) || Encoding.UTF8.GetByteCount(text) <= Encoding.UTF8.GetByteCount(prefix)))
        {
            return null;
        }
        var piece = text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : Decode(ids[prefixCount..]);
        var waited = ids.Count - prefixCount;
        ids.RemoveRange(0, prefixCount);
        (prefix, prefixCount) = (Decode(ids), waited);
        return piece.Length > 0 ? piece : null;
    }

    private string Decode(List<int> sequence) => tokenizer.Decode(sequence, skipSpecialTokens);

    private static bool Unfinished(string text) => text.EndsWith('\uFFFD');
}
