using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>Checks an attention call, cuts it into items and runs them.</summary>
internal static unsafe class AttentionPlanner<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Attention with taps: the items, the joining of stretches of keys, the reduction of the taps.</summary>
    public static void Run(WorkerPool pool, in AttentionWork work)
    {
        var sequences = work.Sequences.Span;
        var plans = (SequencePlan*)Scratch.Take(ScratchUse.Plan, (long)sizeof(SequencePlan) * sequences.Length);
        var (items, merges, targets) = (0, 0, 0);
        long partials = 0, states = 0;
        for (var s = 0; s < sequences.Length; s++)
        {
            var plan = Plan(work, sequences[s]);
            (plan.FirstItem, plan.FirstMerge, plan.FirstTarget) = (items, merges, targets);
            (plan.Partials, plan.States) = (partials, states);
            items = checked(items + work.KvHeads * (plan.Dot ? plan.Splits : plan.Tiles));
            merges += plan.Dot ? work.KvHeads : 0;
            targets += plan.SpanCount + plan.SingleCount;
            partials = checked(partials + work.KvHeads * plan.PartialsPerHead);
            states = checked(states + work.KvHeads * plan.StatesPerHead);
            plans[s] = plan;
        }
        var results = (float*)Scratch.Take(ScratchUse.Partials, checked((partials + states) * sizeof(float)));
        var all = work;
        all.Plans = plans;
        all.Partials = results;
        all.States = results + partials;

        var attention = new AttentionJob<TOps, TV>(all);
        pool.Run(ref attention, items);
        var merge = new MergeJob<TOps, TV>(all);
        pool.Run(ref merge, merges);
        var reduce = new TapReduceJob<TOps, TV>(all);
        pool.Run(ref reduce, targets);
    }

    private static SequencePlan Plan(in AttentionWork work, in SequenceRows sequence)
    {
        var plan = new SequencePlan { Lanes = checked(sequence.RowCount * work.Group) };
        plan.Dot = plan.Lanes <= DotAttention<TOps, TV>.MaxLanes;
        var width = MicroKernel<TOps, TV>.TileLanes;
        plan.Tiles = plan.Dot ? 1 : (plan.Lanes + width - 1) / width;
        if (sequence.Tap is { } tap)
        {
            PlanTap(ref plan, work, sequence, tap);
        }
        if (plan.Dot)
        {
            const int split = DotAttention<TOps, TV>.SplitKeys;
            plan.FirstSplit = work.Mask.FirstKey(sequence.Start) / split;
            plan.Splits = (sequence.Length + split - 1) / split - plan.FirstSplit;
            plan.StatesPerHead = DotAttention<TOps, TV>.StateElements(
                plan, work.Cache.Stride, sequence.Tap?.Spans.Length ?? 0, sequence.Tap?.Singles.Length ?? 0);
        }
        return plan;
    }

    private static void PlanTap(ref SequencePlan plan, in AttentionWork work, in SequenceRows sequence, AttentionTap tap)
    {
        var (spans, singles) = (tap.Spans.Length, tap.Singles.Length);
        plan.Planes = tap.PerHead ? work.Group : 1;
        plan.SpanRow = tap.SpanToSpan.IsEmpty ? 0 : spans;
        plan.SingleRow = (tap.SingleToSpan.IsEmpty ? 0 : spans) + (tap.SingleToSingle.IsEmpty ? 0 : singles);
        var rows = TapRange.Of(tap, sequence.Start, sequence.Length);
        (plan.FirstSpan, plan.SpanCount) = (rows.FirstSpan, plan.SpanRow > 0 ? rows.Spans : 0);
        (plan.FirstSingle, plan.SingleCount) = (rows.FirstSingle, plan.SingleRow > 0 ? rows.Singles : 0);
        if (plan.Tapped)
        {
            // Two tiles side by side may share a span and a single, hence one more of each for every tile.
            plan.PartialsPerHead = checked(plan.Planes
                * ((long)(plan.SpanCount + plan.Tiles) * plan.SpanRow + (long)(plan.SingleCount + plan.Tiles) * plan.SingleRow));
        }
    }
}
