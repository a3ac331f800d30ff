using System.Collections.Immutable;
using System.Text;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// The legal answers as an automaton over characters: a known text before each of n labels and after the last, every label a number from 0
/// to k - 1 without leading zeros. Whatever it accepts can be continued to a whole answer.
/// </summary>
internal sealed class AnswerGrammar
{
    private readonly bool _canonical;
    private readonly bool _useAll;

    /// <param name="forced">[n + 1]: text before every label, and after the last; between labels not empty, no digits at its ends.</param>
    /// <param name="clusters">k, from 1.</param>
    /// <param name="canonical">Whether labels are numbered by first appearance.</param>
    /// <param name="useAll">Whether every label must occur; then k is at most n.</param>
    public AnswerGrammar(IReadOnlyList<string> forced, int clusters, bool canonical, bool useAll)
    {
        (Forced, Clusters, _canonical, _useAll) = (forced, clusters, canonical, useAll);
        if (forced.Count < 2 || clusters < 1 || (useAll && clusters > Points))
        {
            throw new IccArgumentException($"{clusters} clusters of {forced.Count - 1} points; expected from 1 to {forced.Count - 1}");
        }
        for (var i = 0; i <= Points; i++)
        {
            var bare = i > 0 && i < Points && forced[i].Length == 0;
            if (bare || (forced[i].Length > 0 && (char.IsAsciiDigit(forced[i][0]) || char.IsAsciiDigit(forced[i][^1]))))
            {
                throw new IccArgumentException($"the text before label {i} of an answer is '{forced[i]}'; expected one without a digit at its ends");
            }
        }
    }

    /// <summary>[n + 1]: what stands before every label and after the last.</summary>
    public IReadOnlyList<string> Forced { get; }

    /// <summary>n.</summary>
    public int Points => Forced.Count - 1;

    /// <summary>k.</summary>
    public int Clusters { get; }

    /// <summary>Before the first character.</summary>
    public AnswerState Start => new(0, 0, -1, 0, _useAll && !_canonical ? ImmutableHashSet<int>.Empty : null);

    /// <summary>Points that may still repeat a label; the greatest number where labels need not all occur.</summary>
    public int Slack(in AnswerState state) => _useAll ? Points - state.Label - (Clusters - state.Opened) : int.MaxValue;

    /// <summary>Whether the answer is whole. Where nothing follows the last label, it is whole as soon as that is a legal one.</summary>
    public bool IsEnd(in AnswerState state) => state.Label == Points
        ? state.Offset == Forced[Points].Length
        : state.Label == Points - 1 && Forced[Points].Length == 0 && state.Digits >= 0 && MayTake(state, state.Digits);

    /// <summary>Whether the next label may be this one.</summary>
    public bool MayTake(in AnswerState state, int label) => AnyAllowed(state, label, label);

    /// <summary>Takes a character.</summary>
    /// <param name="state">Before and, if it is legal, after it.</param>
    /// <param name="next">The character.</param>
    /// <param name="finished">The label that it shows to be finished, or -1.</param>
    /// <returns>Whether it is legal.</returns>
    public bool Step(ref AnswerState state, char next, out int finished)
    {
        finished = -1;
        var before = Forced[state.Label];
        if (state.Offset < before.Length)
        {
            if (before[state.Offset] != next)
            {
                return false;
            }
            state = state with { Offset = state.Offset + 1 };
            return true;
        }
        if (state.Label == Points)
        {
            return false;
        }
        if (char.IsAsciiDigit(next))
        {
            var number = state.Digits < 0 ? next - '0' : state.Digits == 0 ? -1 : state.Digits * 10L + (next - '0');
            if (!CanBecomeLabel(state, number))
            {
                return false;
            }
            state = state with { Digits = (int)number };
            return true;
        }
        var after = Forced[state.Label + 1];
        if (state.Digits < 0 || after.Length == 0 || after[0] != next || !MayTake(state, state.Digits))
        {
            return false;
        }
        finished = state.Digits;
        state = Finish(state) with { Offset = 1 };
        return true;
    }

    /// <summary>The state when the label that is being written, a legal one, is known to be finished.</summary>
    public AnswerState Finish(in AnswerState state)
    {
        var opens = _canonical ? state.Digits == state.Opened : state.Used?.Contains(state.Digits) == false;
        return new AnswerState(state.Label + 1, 0, -1, opens ? state.Opened + 1 : state.Opened, state.Used?.Add(state.Digits));
    }

    /// <summary>The characters that must come next, up to where there is a choice or the end.</summary>
    public string ForcedText(AnswerState state)
    {
        var text = new StringBuilder();
        while (!IsEnd(state) && Only(state) is { } next)
        {
            Step(ref state, next, out _);
            text.Append(next);
        }
        return text.ToString();
    }

    /// <summary>The one legal character, or null where there are several.</summary>
    private char? Only(in AnswerState state)
    {
        var before = Forced[state.Label];
        if (state.Offset < before.Length)
        {
            return before[state.Offset];
        }
        char? only = state.Digits >= 0 && MayTake(state, state.Digits) ? Forced[state.Label + 1][0] : null;
        for (var digit = '0'; digit <= '9'; digit++)
        {
            var after = state;
            if (Step(ref after, digit, out _))
            {
                if (only is not null)
                {
                    return null;
                }
                only = digit;
            }
        }
        return only;
    }

    /// <summary>Whether an allowed label begins with these digits.</summary>
    private bool CanBecomeLabel(in AnswerState state, long number)
    {
        if (number <= 0)
        {
            return number == 0 && MayTake(state, 0);
        }
        for (var (low, high) = (number, number); low < Clusters; (low, high) = (low * 10, high * 10 + 9))
        {
            if (AnyAllowed(state, (int)low, (int)Math.Min(high, Clusters - 1)))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Whether one of the labels from low to high is allowed.</summary>
    private bool AnyAllowed(in AnswerState state, int low, int high)
    {
        var mustOpen = Slack(state) == 0;
        if (_canonical)
        {
            return high >= (mustOpen ? state.Opened : 0) && low <= Math.Min(state.Opened, Clusters - 1);
        }
        if (!mustOpen)
        {
            return low < Clusters;
        }
        for (var label = low; label <= high; label++)
        {
            if (label < Clusters && !state.Used!.Contains(label))
            {
                return true;
            }
        }
        return false;
    }
}
