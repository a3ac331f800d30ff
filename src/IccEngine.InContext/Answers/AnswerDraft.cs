using System.Globalization;
using System.Text;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>An answer that is being written: its state in the grammar, and the tokens that the model has not seen yet.</summary>
internal sealed class AnswerDraft
{
    private const int TextKept = 16; // the end of the text is enough for the tokenizer
    private readonly AnswerTokens _tokens;
    private readonly List<int> _unseen = [];
    private readonly List<int> _labels = [];
    private readonly List<int> _written = [];
    private readonly List<int> _labelTokens = [];
    private readonly double[] _logProbabilities;
    private readonly StringBuilder _text = new();
    private AnswerState _state;
    private int _lastDigit;

    /// <summary>An empty answer.</summary>
    /// <param name="tokens">The legal answers.</param>
    /// <param name="prompt">Ids of the prompt, which the model has not seen yet.</param>
    public AnswerDraft(AnswerTokens tokens, IEnumerable<int> prompt)
    {
        _tokens = tokens;
        _unseen.AddRange(prompt);
        _logProbabilities = new double[tokens.Grammar.Points];
        _state = tokens.Grammar.Start;
        Settle();
    }

    private AnswerDraft(AnswerDraft other)
    {
        (_tokens, _state, Choices, LogProbability) = (other._tokens, other._state, other.Choices, other.LogProbability);
        _unseen.AddRange(other._unseen);
        _labels.AddRange(other._labels);
        _written.AddRange(other._written);
        _labelTokens.AddRange(other._labelTokens);
        _lastDigit = other._lastDigit;
        _text.Append(other._text);
        _logProbabilities = [.. other._logProbabilities];
    }

    /// <summary>Where the model has the tokens before those not seen.</summary>
    public Sequence? Sequence { get; set; }

    /// <summary>Tokens that the model has to see before the next choice.</summary>
    public ReadOnlyMemory<int> Unseen => _unseen.ToArray();

    /// <summary>Tokens that may come next, ascending, more than one; none at the end.</summary>
    public int[] Choices { get; private set; } = [];

    /// <summary>Whether the answer is whole.</summary>
    public bool IsDone => Choices.Length == 0;

    /// <summary>The label that the next choice is about.</summary>
    public int Deciding { get; private set; }

    /// <summary>Share of the labels that are decided.</summary>
    public double Answered => (double)Deciding / _tokens.Grammar.Points;

    /// <summary>Sum over the tokens that were chosen.</summary>
    public double LogProbability { get; private set; }

    /// <summary>What is decided: equal for drafts that will go on alike.</summary>
    public string Decided => $"{string.Join(',', _labels)}:{_state.Digits}:{_state.Offset}";

    /// <summary>The answer, when it is whole.</summary>
    public Answer Answer => _tokens.AnyToken
        ? new Answer([.. _labels], []) { LogProbability = LogProbability, Parsed = _labels.Exists(l => l >= 0) }
        : new Answer([.. _labels], _logProbabilities) { Written = new([.. _written], [.. _labelTokens]) };

    /// <summary>The model has seen all tokens.</summary>
    public void Seen() => _unseen.Clear();

    /// <summary>A draft that goes on by itself; it has no sequence yet.</summary>
    public AnswerDraft Copy() => new(this) { Deciding = Deciding };

    /// <summary>Adds a token that was chosen, and what must follow it.</summary>
    public void Add(int id, double logProbability)
    {
        LogProbability += logProbability;
        _logProbabilities[Deciding] += logProbability;
        if (_tokens.AnyToken)
        {
            AppendAny(id);
        }
        else
        {
            Append(id);
        }
        Settle();
    }

    /// <summary>Writes what must come next, up to a choice or the end.</summary>
    private void Settle()
    {
        Choices = [];
        while (!_tokens.Grammar.IsEnd(_state))
        {
            var forced = _tokens.Forced(_state, _text.ToString());
            foreach (var id in forced)
            {
                Append(id);
            }
            var allowed = _tokens.Grammar.IsEnd(_state) ? [] : _tokens.Allowed(_state);
            if (allowed.Length > 1)
            {
                Choices = allowed;
                break;
            }
            foreach (var id in allowed)
            {
                Append(id);
            }
            if (forced.Count == 0 && allowed.Length == 0)
            {
                throw new IccUnsupportedException($"the vocabulary cannot write the answer beyond '{_text}'");
            }
        }
        if (IsDone && _state.Digits >= 0)
        {
            AddLabel(_state.Digits);
        }
        Deciding = IsDone ? _tokens.Grammar.Points : DecidedBy(_state);
    }

    /// <summary>The label at which there is a choice: beyond the forced text, of which a token may reach over the end.</summary>
    private int DecidedBy(AnswerState state)
    {
        foreach (var c in _tokens.Grammar.ForcedText(state))
        {
            _tokens.Grammar.Step(ref state, c, out _);
        }
        return state.Label;
    }

    /// <summary>A token that takes the place of a label, whatever it is: the label is its number, or -1 where it is none.</summary>
    private void AppendAny(int id)
    {
        var (before, text) = (_tokens.Grammar.Forced[_state.Label], _tokens.TextOf(id));
        var isLabel = text.Length > 1 && text[0] == before[^1];
        _labels.Add(isLabel && int.TryParse(text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var label) ? label : -1);
        _state = _tokens.Grammar.Finish(_state);
        _unseen.Add(id);
        _text.Append(text);
    }

    private void AddLabel(int label)
    {
        _labels.Add(label);
        _labelTokens.Add(_lastDigit);
    }

    private void Append(int id)
    {
        _unseen.Add(id);
        _written.Add(id);
        var text = _tokens.TextOf(id);
        foreach (var c in text)
        {
            if (!_tokens.Grammar.Step(ref _state, c, out var finished))
            {
                throw new InvalidOperationException($"token {id}, '{text}', is not a part of a legal answer here");
            }
            if (finished >= 0)
            {
                AddLabel(finished);
            }
            _lastDigit = _state.Digits >= 0 ? _written.Count - 1 : _lastDigit;
        }
        if (_tokens.SingleTokens && _state.Digits >= 0)
        {
            AddLabel(_state.Digits);
            _state = _tokens.Grammar.Finish(_state);
        }
        _text.Append(text);
        if (_text.Length > 2 * TextKept)
        {
            _text.Remove(0, _text.Length - TextKept);
        }
    }
}
