using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>The tiles and the stretches of keys of a call.</summary>
internal readonly unsafe struct AttentionJob<TOps, TV>(AttentionWork work) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    public void Run(int item)
    {
        var index = work.Find(item, &FirstItem);
        ref readonly var plan = ref work.Plans[index];
        ref readonly var sequence = ref work.Sequences.Span[index];
        var local = item - plan.FirstItem;
        if (plan.Dot)
        {
            DotAttention<TOps, TV>.Run(work, plan, sequence, local / plan.Splits, local % plan.Splits);
            return;
        }
        // Late tiles see the most keys; they come first, so that the threads end together.
        TileAttention<TOps, TV>.Run(work, plan, sequence, local / plan.Tiles, plan.Tiles - 1 - local % plan.Tiles);
    }

    private static int FirstItem(in SequencePlan plan) => plan.FirstItem;
}

/// <summary>Joins the stretches of keys, an item for each sequence of few lanes and KV head.</summary>
internal readonly unsafe struct MergeJob<TOps, TV>(AttentionWork work) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    public void Run(int item)
    {
        var index = work.Find(item, &FirstMerge);
        ref readonly var plan = ref work.Plans[index];
        DotAttention<TOps, TV>.Merge(work, plan, work.Sequences.Span[index], item - plan.FirstMerge);
    }

    private static int FirstMerge(in SequencePlan plan) => plan.FirstMerge;
}

/// <summary>
/// Adds the partial sums to the taps' tensors, an item for each span and each single that holds rows of the call: by KV head, then by
/// tile, so that equal calls give equal bits.
/// </summary>
internal readonly unsafe struct TapReduceJob<TOps, TV>(AttentionWork work) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    public void Run(int item)
    {
        var index = work.Find(item, &FirstTarget);
        ref readonly var plan = ref work.Plans[index];
        ref readonly var sequence = ref work.Sequences.Span[index];
        var tap = sequence.Tap!;
        var sums = (float*)Scratch.Take(ScratchUse.Item, sizeof(float) * Math.Max(plan.SpanRow, plan.SingleRow));
        var target = item - plan.FirstTarget;
        for (var head = 0; head < (tap.PerHead ? work.Heads : 1); head++)
        {
            if (target < plan.SpanCount)
            {
                Span(plan, sequence, tap, plan.FirstSpan + target, head, sums);
            }
            else
            {
                Single(plan, sequence, tap, plan.FirstSingle + target - plan.SpanCount, head, sums);
            }
        }
    }

    private static int FirstTarget(in SequencePlan plan) => plan.FirstTarget;

    private void Span(in SequencePlan plan, in SequenceRows sequence, AttentionTap tap, int span, int head, float* sums)
    {
        var (start, end) = (Math.Max(tap.Spans[span].Start, sequence.Start), Math.Min(tap.Spans[span].End, sequence.Length));
        new Span<float>(sums, plan.SpanRow).Clear();
        for (var kvHead = FirstKvHead(tap, head); kvHead < EndKvHead(tap, head); kvHead++)
        {
            for (var tile = FirstTile(plan, sequence, start); tile <= LastTile(plan, sequence, end); tile++)
            {
                var partials = Partials(plan, sequence, kvHead, tile);
                VectorMath<TOps, TV>.AddScaled(sums, partials.OfSpan(Plane(tap, head), span), 1, plan.SpanRow);
            }
        }
        AddMeans(tap, tap.SpanToSpan, head * tap.Spans.Length + span, sums, Share(tap) / tap.Spans[span].Length);
    }

    private void Single(in SequencePlan plan, in SequenceRows sequence, AttentionTap tap, int single, int head, float* sums)
    {
        var index = tap.SinglesByPosition[single];
        new Span<float>(sums, plan.SingleRow).Clear();
        for (var kvHead = FirstKvHead(tap, head); kvHead < EndKvHead(tap, head); kvHead++)
        {
            for (var tile = FirstTile(plan, sequence, tap.Singles[index]); tile <= LastTile(plan, sequence, tap.Singles[index] + 1); tile++)
            {
                var partials = Partials(plan, sequence, kvHead, tile);
                VectorMath<TOps, TV>.AddScaled(sums, partials.OfSingle(Plane(tap, head), single), 1, plan.SingleRow);
            }
        }
        if (!tap.SingleToSpan.IsEmpty)
        {
            AddMeans(tap, tap.SingleToSpan, head * tap.Singles.Length + index, sums, Share(tap));
            sums += tap.Spans.Length;
        }
        if (!tap.SingleToSingle.IsEmpty)
        {
            var singles = tap.Singles.Length;
            var row = CpuBackend.Pointer(tap.SingleToSingle) + ((long)head * singles + index) * singles;
            for (var p = 0; p < singles; p++)
            {
                row[tap.SinglesByPosition[p]] += Share(tap) * sums[p];
            }
        }
    }

    /// <summary>Adds factor * sums[j] / |j| to a row over the spans.</summary>
    private static void AddMeans(AttentionTap tap, Tensor target, int row, float* sums, float factor)
    {
        var spans = tap.Spans.Length;
        var means = CpuBackend.Pointer(target) + (long)row * spans;
        for (var j = 0; j < spans; j++)
        {
            means[j] += factor * sums[j] / tap.Spans[j].Length;
        }
    }

    // KV heads that are summed here: the one of the head, or all.
    private int FirstKvHead(AttentionTap tap, int head) => tap.PerHead ? head / work.Group : 0;

    private int EndKvHead(AttentionTap tap, int head) => tap.PerHead ? head / work.Group + 1 : work.KvHeads;

    private int Plane(AttentionTap tap, int head) => tap.PerHead ? head % work.Group : 0;

    private float Share(AttentionTap tap) => tap.PerHead ? 1f : 1f / work.Heads;

    private TapPartials Partials(in SequencePlan plan, in SequenceRows sequence, int kvHead, int tile)
    {
        var width = plan.Dot ? plan.Lanes : MicroKernel<TOps, TV>.TileLanes;
        return new TapPartials(work, plan, sequence, kvHead, tile, tile * width, Math.Min((tile + 1) * width, plan.Lanes));
    }

    private int FirstTile(in SequencePlan plan, in SequenceRows sequence, int position) =>
        plan.Dot ? 0 : (position - sequence.Start) * work.Group / MicroKernel<TOps, TV>.TileLanes;

    private int LastTile(in SequencePlan plan, in SequenceRows sequence, int end) =>
        plan.Dot ? 0 : ((end - sequence.Start) * work.Group - 1) / MicroKernel<TOps, TV>.TileLanes;
}

/// <summary>A row of attention probabilities an item.</summary>
internal readonly unsafe struct ProbabilitiesJob<TOps, TV>(
    AttentionWork work, int sequenceIndex, int head, int firstRow, float* probabilities, int columns) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    private const int BlockKeys = 64;

    public void Run(int item)
    {
        ref readonly var sequence = ref work.Sequences.Span[sequenceIndex];
        var (stride, kvHead) = (work.Cache.Stride, head / work.Group);
        var carver = new Carver(Scratch.Take(
            ScratchUse.Item, Carver.Bytes<float>(stride) + Carver.Bytes<float>(BlockKeys) + Carver.Bytes<nint>(BlockKeys)));
        var query = carver.Take<float>(stride);
        var scores = carver.Take<float>(BlockKeys);
        var keys = (float**)carver.Take<nint>(BlockKeys);
        var position = sequence.Start + firstRow + item;
        var (first, end) = (work.Mask.FirstKey(position), work.Mask.EndKey(position, sequence.Length));
        var source = work.Query + ((long)(sequence.FirstRow + firstRow + item) * work.Heads + head) * work.HeadDim;
        new Span<float>(query, stride).Clear();
        VectorMath<TOps, TV>.Scale(query, source, work.Scale, work.HeadDim);

        var row = probabilities + (long)item * columns;
        new Span<float>(row, columns).Clear();
        for (var key = first; key < end; key += BlockKeys)
        {
            var count = Math.Min(BlockKeys, end - key);
            work.Cache.Addresses(work.Layer, kvHead, sequence.Pages.Span, key, count, keys, BlockKeys);
            DotAttention<TOps, TV>.Scores(query, keys, count, stride, scores);
            new ReadOnlySpan<float>(scores, count).CopyTo(new Span<float>(row + key, count));
        }
        var seen = row + first;
        var sum = VectorMath<TOps, TV>.ExpAndSum(seen, VectorMath<TOps, TV>.Largest(seen, end - first), end - first);
        VectorMath<TOps, TV>.Scale(seen, seen, 1 / sum, end - first);
    }
}
