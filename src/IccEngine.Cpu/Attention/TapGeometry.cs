using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>Which spans and singles (the latter by position) meet a range of positions.</summary>
internal readonly record struct TapRange(int FirstSpan, int EndSpan, int FirstSingle, int EndSingle)
{
    public int Spans => EndSpan - FirstSpan;

    public int Singles => EndSingle - FirstSingle;

    /// <summary>Those that meet [first, end).</summary>
    public static TapRange Of(AttentionTap tap, int first, int end) => new(
        SpansEndingBy(tap, first), Math.Max(SpansEndingBy(tap, first), SpansStartingBefore(tap, end)),
        SinglesBefore(tap, first), SinglesBefore(tap, end));

    private static int SpansEndingBy(AttentionTap tap, int position)
    {
        var (low, high) = (0, tap.Spans.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = tap.Spans[middle].End <= position ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    private static int SpansStartingBefore(AttentionTap tap, int position)
    {
        var (low, high) = (0, tap.Spans.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = tap.Spans[middle].Start < position ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    private static int SinglesBefore(AttentionTap tap, int position)
    {
        var (low, high) = (0, tap.Singles.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = tap.Singles[tap.SinglesByPosition[middle]] < position ? (middle + 1, high) : (low, middle);
        }
        return low;
    }
}

/// <summary>
/// The sums that one tile of lanes and one KV head add to the taps: a row over all spans for each span and each single that the tile's
/// query rows lie in, and for singles a row over the singles by position. Not yet divided by the lengths of spans or by the heads.
/// </summary>
internal readonly unsafe struct TapPartials
{
    private readonly AttentionTap _tap;
    private readonly float* _base;
    private readonly int _planes, _spanRow, _singleRow;

    /// <summary>The sums of lanes [firstLane, endLane), which are tile <paramref name="tile"/>.</summary>
    public TapPartials(
        in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead, int tile, int firstLane, int endLane)
    {
        _tap = sequence.Tap!;
        (_planes, _spanRow, _singleRow) = (plan.Planes, plan.SpanRow, plan.SingleRow);
        var all = TapRange.Of(_tap, sequence.Start + firstLane / work.Group, sequence.Start + (endLane - 1) / work.Group + 1);
        Rows = new TapRange(
            all.FirstSpan, plan.SpanRow > 0 ? all.EndSpan : all.FirstSpan, all.FirstSingle, plan.SingleRow > 0 ? all.EndSingle : all.FirstSingle);
        // A tile shares at most its first span and its first single with the tile before, so these regions do not overlap.
        _base = work.Partials + plan.Partials + kvHead * plan.PartialsPerHead
            + _planes * ((long)(Rows.FirstSpan - plan.FirstSpan + tile) * _spanRow + (long)(Rows.FirstSingle - plan.FirstSingle + tile) * _singleRow);
    }

    /// <summary>Spans and singles that hold a query row of the tile and of which something is wanted.</summary>
    public TapRange Rows { get; }

    /// <summary>Whether the tile has rows to tap.</summary>
    public bool Any => Rows.Spans + Rows.Singles > 0;

    /// <summary>Whether sums over spans of keys are wanted.</summary>
    public bool OverSpans => Rows.Spans > 0 || (Rows.Singles > 0 && !_tap.SingleToSpan.IsEmpty);

    /// <summary>Whether single keys are wanted.</summary>
    public bool OverSingles => Rows.Singles > 0 && !_tap.SingleToSingle.IsEmpty;

    /// <summary>Sets all sums of the tile to zero.</summary>
    public void Clear() =>
        new Span<float>(_base, checked(_planes * (Rows.Spans * _spanRow + Rows.Singles * _singleRow))).Clear();

    /// <summary>A_II's row of a span [spans].</summary>
    public float* OfSpan(int plane, int span) => _base + ((long)plane * Rows.Spans + span - Rows.FirstSpan) * _spanRow;

    /// <summary>A_OI's row of a single [spans], where wanted.</summary>
    public float* OfSingle(int plane, int single) =>
        _base + (long)_planes * Rows.Spans * _spanRow + ((long)plane * Rows.Singles + single - Rows.FirstSingle) * _singleRow;

    /// <summary>A_OO's row of a single [singles by position], where wanted.</summary>
    public float* OfSingleToSingles(int plane, int single) =>
        OfSingle(plane, single) + (_tap.SingleToSpan.IsEmpty ? 0 : _tap.Spans.Length);

    /// <summary>Adds what one lane attends to: to the row of its span and to that of its single, if it lies in any.</summary>
    /// <param name="position">Position of the lane's row.</param>
    /// <param name="plane">Plane of the lane's head.</param>
    /// <param name="keys">Spans and singles of the keys that the sums cover.</param>
    /// <param name="spans">Sum of the probabilities over each of those spans.</param>
    /// <param name="singles">Probability of each of those singles.</param>
    public void AddLane<TOps, TV>(int position, int plane, in TapRange keys, float* spans, float* singles)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged
    {
        var row = TapRange.Of(_tap, position, position + 1);
        if (Rows.Spans > 0 && row.Spans > 0)
        {
            VectorMath<TOps, TV>.AddScaled(OfSpan(plane, row.FirstSpan) + keys.FirstSpan, spans, 1, keys.Spans);
        }
        if (Rows.Singles == 0 || row.Singles == 0)
        {
            return;
        }
        if (!_tap.SingleToSpan.IsEmpty)
        {
            VectorMath<TOps, TV>.AddScaled(OfSingle(plane, row.FirstSingle) + keys.FirstSpan, spans, 1, keys.Spans);
        }
        if (!_tap.SingleToSingle.IsEmpty)
        {
            VectorMath<TOps, TV>.AddScaled(OfSingleToSingles(plane, row.FirstSingle) + keys.FirstSingle, singles, 1, keys.Singles);
        }
    }
}
