namespace IccEngine.Core;

/// <summary>
/// What is wanted of the attention of one sequence, and where it goes: means over spans of tokens, summed inside the attention kernel
/// while it streams. Masked entries count as zeros in the means and in the divisor.
/// <para>
/// A_II[i, j] is the mean over the query tokens of span i, the key tokens of span j and (unless <see cref="PerHead"/>) the heads;
/// A_OI[o, j] the same for the one query token o; A_OO[o, p] for single tokens on both sides.
/// </para>
/// The kernel adds to the tensors, so that a prefill in chunks gives what a whole one gives; they are zero at the beginning.
/// One object serves one layer.
/// </summary>
public sealed class AttentionTap
{
    /// <summary>Describes a tap.</summary>
    /// <param name="spans">Spans of the sequence, disjoint and in order, none empty.</param>
    /// <param name="singles">Positions of single tokens, all different.</param>
    /// <param name="perHead">Keep the heads apart.</param>
    /// <param name="spanToSpan">A_II [S, S], or [heads, S, S]; empty where not wanted.</param>
    /// <param name="singleToSpan">A_OI [O, S], or [heads, O, S]; empty where not wanted.</param>
    /// <param name="singleToSingle">A_OO [O, O], or [heads, O, O]; empty where not wanted.</param>
    /// <exception cref="ArgumentException">Spans or singles break the rules above.</exception>
    public AttentionTap(
        TokenSpan[] spans, int[] singles, bool perHead, Tensor spanToSpan, Tensor singleToSpan, Tensor singleToSingle)
    {
        Validate(spans, singles);
        (Spans, Singles, PerHead) = (spans, singles, perHead);
        SinglesByPosition = [.. Enumerable.Range(0, singles.Length).OrderBy(o => singles[o])];
        (SpanToSpan, SingleToSpan, SingleToSingle) = (spanToSpan, singleToSpan, singleToSingle);
    }

    /// <summary>Spans [S] of the sequence, disjoint and in order.</summary>
    public TokenSpan[] Spans { get; }

    /// <summary>Positions [O] of single tokens.</summary>
    public int[] Singles { get; }

    /// <summary>Indices into <see cref="Singles"/> [O], in the order of their positions: how a kernel meets them.</summary>
    public int[] SinglesByPosition { get; }

    /// <summary>Whether the heads are kept apart.</summary>
    public bool PerHead { get; }

    /// <summary>A_II [S, S] or [heads, S, S], or empty.</summary>
    public Tensor SpanToSpan { get; }

    /// <summary>A_OI [O, S] or [heads, O, S], or empty.</summary>
    public Tensor SingleToSpan { get; }

    /// <summary>A_OO [O, O] or [heads, O, O], or empty.</summary>
    public Tensor SingleToSingle { get; }

    /// <summary>Checks that spans are disjoint, in order and not empty, and that singles are distinct positions.</summary>
    /// <exception cref="IccArgumentException">They are not; the message names the first offender.</exception>
    public static void Validate(ReadOnlySpan<TokenSpan> spans, ReadOnlySpan<int> singles)
    {
        var end = 0;
        for (var s = 0; s < spans.Length; s++)
        {
            if (spans[s].Start < end || spans[s].Length <= 0)
            {
                throw new IccArgumentException(
                    $"span {s} is [{spans[s].Start}, {spans[s].End}); expected a start of at least {end} and an end beyond its start");
            }
            end = spans[s].End;
        }
        var seen = new HashSet<int>();
        foreach (var single in singles)
        {
            if (single < 0 || !seen.Add(single))
            {
                throw new IccArgumentException($"single token {single}: expected different positions, none negative");
            }
        }
    }
}
