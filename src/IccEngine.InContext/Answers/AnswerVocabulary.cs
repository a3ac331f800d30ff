using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>
/// What tokens of a tokenizer add to a text that is under way. Those that consist of characters of answers are kept by their text, once
/// for each tokenizer. Safe to use from any number of threads.
/// </summary>
internal sealed class AnswerVocabulary
{
    private const string Characters = "0123456789[], .-\n";
    // More than any answer needs; what is longer is not looked for, so that a strange file costs no deep recursion.
    private const int LongestText = 256;
    private static readonly ConditionalWeakTable<Tokenizer, ConcurrentDictionary<int, AnswerVocabulary>> Known = [];
    private readonly Tokenizer _tokenizer;
    private readonly int[] _anchor;
    private readonly string _anchorText;

    private AnswerVocabulary(Tokenizer tokenizer, int size)
    {
        // Decoders treat the first token in their own way: a token is looked at behind another one.
        _tokenizer = tokenizer;
        _anchor = tokenizer.TokenToId("0") is { } zero ? [zero] : [];
        _anchorText = tokenizer.Decode(_anchor, skipSpecialTokens: false);
        for (var id = 0; id < size; id++)
        {
            if (tokenizer.IdToToken(id) is { } token && MayBePart(token) && !tokenizer.IsSpecial(id) && TextOf(id) is { Length: > 0 } text
                && text.All(Characters.Contains))
            {
                Trie.Add(text, id);
            }
        }
    }

    /// <summary>The vocabulary of a tokenizer and of a model that knows so many ids.</summary>
    public static AnswerVocabulary Of(Tokenizer tokenizer, int size) =>
        Known.GetOrCreateValue(tokenizer).GetOrAdd(size, s => new AnswerVocabulary(tokenizer, s));

    /// <summary>The tokens that consist of digits, brackets, commas, blanks, newlines, points and signs.</summary>
    public TokenTrie Trie { get; } = new();

    /// <summary>What a token adds behind another one.</summary>
    public string TextOf(int id)
    {
        var text = _tokenizer.Decode([.. _anchor, id], skipSpecialTokens: false);
        return text.StartsWith(_anchorText, StringComparison.Ordinal) ? text[_anchorText.Length..] : "";
    }

    /// <summary>Most tokens are words, and need not be decoded: letters stand for themselves except in byte tokens.</summary>
    private static bool MayBePart(string token) =>
        token.Length <= LongestText && (token.StartsWith("<0x", StringComparison.Ordinal) || !token.Any(char.IsAsciiLetter));
}
