using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>
/// The automaton of the legal answers, lifted to the tokens of a model: which tokens keep the text a beginning of a legal answer, and which
/// ones stand for what must come next. One thread at a time.
/// </summary>
/// <remarks>
/// The same idea as in outlines (Willard and Louf 2023) and in the grammars of llama.cpp. A run of forced text is written in the
/// tokenizer's own tokens up to the first place from where a token reaches beyond it: there the model chooses, so that a blank and the
/// label behind it can be the one token that the model was trained on.
/// </remarks>
internal sealed class AnswerTokens
{
    private const int MostKept = 4096;
    private const int MostIdsKept = 1 << 20;
    private const int ContextCharacters = 2;
    private readonly Dictionary<(int Ahead, int Offset, int Digits, int Opened, int Slack), int[]> _allowed = [];
    private readonly Dictionary<(string Context, string Text), int[]> _forced = [];
    private readonly AnswerVocabulary _vocabulary;
    private readonly Tokenizer _tokenizer;
    private readonly string _before;
    private readonly TokenTrie _trie;
    private readonly int[] _ahead;
    private readonly int[]? _all;
    private int _idsKept;

    /// <param name="template">The answer.</param>
    /// <param name="vocabularySize">Ids that the model knows.</param>
    /// <param name="canonical">Whether labels are numbered by first appearance.</param>
    /// <param name="useAll">Whether every label must occur.</param>
    /// <param name="anyToken">Whether any token may stand in the place of a label, where these are single tokens.</param>
    /// <exception cref="IccUnsupportedException">The vocabulary cannot write the answers.</exception>
    public AnswerTokens(AnswerTemplate template, int vocabularySize, bool canonical, bool useAll, bool anyToken = false)
    {
        _all = anyToken ? [.. Enumerable.Range(0, vocabularySize)] : null;
        (_tokenizer, _before) = (template.Tokenizer, template.Before);
        Grammar = new AnswerGrammar(template.Forced, template.Clusters, canonical, useAll);
        _vocabulary = AnswerVocabulary.Of(_tokenizer, vocabularySize);
        SingleTokens = template.SingleTokenLabels;
        _trie = SingleTokens ? LabelTokens(template.Forced[0], vocabularySize) : _vocabulary.Trie;
        if (!SingleTokens && template.Forced.SelectMany(f => f).Concat("0123456789").Distinct().Where(c => !_trie.Has(c)).Order().ToArray() is [var missing, ..])
        {
            throw new IccUnsupportedException($"the vocabulary has no token for the character '{missing}' alone, which constrained answers need");
        }
        _ahead = ClassesAhead(Grammar, _trie.Depth);
    }

    /// <summary>The legal answers, by characters.</summary>
    public AnswerGrammar Grammar { get; }

    /// <summary>Whether a label is always one token, so that it is finished when its token is.</summary>
    public bool SingleTokens { get; }

    /// <summary>Whether any token may stand in the place of a label.</summary>
    public bool AnyToken => _all is not null;

    /// <summary>Characters of the longest answer: no answer has more tokens.</summary>
    public int MostTokens => checked(Grammar.Forced.Sum(f => f.Length) + Grammar.Points * $"{Grammar.Clusters - 1}".Length);

    /// <summary>What a token adds to the text.</summary>
    public string TextOf(int id) => _vocabulary.TextOf(id);

    /// <summary>Ids of the tokens that may come next, ascending; none only at the end.</summary>
    public int[] Allowed(in AnswerState state)
    {
        if (_all is not null)
        {
            return _all;
        }
        var slack = Math.Min(Grammar.Slack(state), _trie.Depth);
        // Where single labels are ruled out, the state is one of too many to be kept.
        var keep = state.Used is null || slack == _trie.Depth;
        var key = (_ahead[state.Label], state.Offset, state.Digits, state.Used is null ? state.Opened : 0, slack);
        if (keep && _allowed.TryGetValue(key, out var known))
        {
            return known;
        }
        var ids = new List<int>();
        _trie.Collect(Grammar, state, 0, ids);
        int[] sorted = [.. ids.Order()];
        if (keep)
        {
            if (_allowed.Count >= MostKept || _idsKept > MostIdsKept)
            {
                _allowed.Clear();
                _idsKept = 0;
            }
            _allowed[key] = sorted;
            _idsKept += sorted.Length;
        }
        return sorted;
    }

    /// <summary>Tokens of what must come next, up to where the model may choose.</summary>
    /// <param name="state">Where the text ends.</param>
    /// <param name="written">The text of the answer so far; its end is enough.</param>
    /// <exception cref="IccUnsupportedException">The vocabulary cannot write the text.</exception>
    public IReadOnlyList<int> Forced(AnswerState state, string written)
    {
        var text = Grammar.ForcedText(state);
        if (text.Length == 0)
        {
            return [];
        }
        var context = written.Length == 0 ? _before : written[^Math.Min(written.Length, ContextCharacters)..];
        if (!_forced.TryGetValue((context, text), out var ids))
        {
            if (_forced.Count >= MostKept)
            {
                _forced.Clear();
            }
            _forced[(context, text)] = ids = Encode(context, text);
        }
        var (at, beyond) = (0, new List<int>());
        for (var i = 0; i < ids.Length; i++)
        {
            _trie.Collect(Grammar, state, text.Length - at, beyond);
            if (beyond.Count > 0)
            {
                return ids[..i];
            }
            foreach (var c in TextOf(ids[i]))
            {
                Grammar.Step(ref state, c, out _);
                at++;
            }
        }
        return ids;
    }

    /// <summary>The tokenizer's own tokens of a text behind another one; where it joins the two, the longest tokens from left to right.</summary>
    private int[] Encode(string context, string text)
    {
        var ids = _tokenizer.Encode(context + text, addSpecialTokens: false).Ids;
        var tail = "";
        for (var first = ids.Count - 1; first >= 0 && tail.Length < text.Length; first--)
        {
            tail = TextOf(ids[first]) + tail;
            if (tail == text)
            {
                return [.. ids.Skip(first)];
            }
        }
        var result = new List<int>();
        for (var at = 0; at < text.Length;)
        {
            var (id, length) = _vocabulary.Trie.Longest(text.AsSpan(at));
            if (id < 0)
            {
                throw new IccUnsupportedException($"the vocabulary has no token for '{text[at]}' in the answer's text '{text}'");
            }
            result.Add(id);
            at += length;
        }
        return [.. result];
    }

    /// <summary>The tokens of labels with the last character before them, all of them single ones.</summary>
    private TokenTrie LabelTokens(string before, int vocabularySize)
    {
        var trie = new TokenTrie();
        for (var label = 0; label < Grammar.Clusters; label++)
        {
            var text = $"{before[^1]}{label}";
            var ids = _tokenizer.Encode(text, addSpecialTokens: false).Ids;
            if (ids.Count != 1 || ids[0] >= vocabularySize || TextOf(ids[0]) != text)
            {
                throw new IccUnsupportedException($"the vocabulary has no single token for the label '{text}'");
            }
            trie.Add(text, ids[0]);
        }
        return trie;
    }

    /// <summary>[n + 1]: equal numbers where what a token can see from there on is equal.</summary>
    private static int[] ClassesAhead(AnswerGrammar grammar, int depth)
    {
        var classes = new Dictionary<string, int>();
        var result = new int[grammar.Points + 1];
        var ahead = "";
        for (var i = grammar.Points; i >= 0; i--)
        {
            ahead = $"{grammar.Forced[i]}\0{ahead[..Math.Min(depth, ahead.Length)]}";
            result[i] = classes.TryGetValue(ahead, out var known) ? known : classes[ahead] = classes.Count;
        }
        return result;
    }
}
