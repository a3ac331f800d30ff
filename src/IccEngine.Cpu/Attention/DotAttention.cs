using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// Attention of few lanes (decoding): products along a head. The keys are cut into stretches of <see cref="SplitKeys"/>, which begin at
/// multiples of it whatever the number of threads, each with a softmax of its own; <see cref="Merge"/> joins them in order.
/// <para>
/// A stretch leaves for every lane: maximum, sum and padding [16], unnormalised output [stride]; and for the tap the sums of
/// exp(score - maximum) over the spans, and the same at single keys.
/// </para>
/// </summary>
internal static unsafe class DotAttention<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Keys of a stretch.</summary>
    public const int SplitKeys = 512;

    /// <summary>More lanes than these are quicker in a tile.</summary>
    public const int MaxLanes = 8;

    private const int BlockKeys = 64;
    private const int Header = 16;

    /// <summary>Elements that all stretches of one sequence and KV head leave.</summary>
    public static long StateElements(in SequencePlan plan, int stride, int spans, int singles) =>
        (long)plan.Lanes * (plan.Splits * (Header + stride) + (plan.Tapped ? spans + plan.Splits + singles : 0));

    /// <summary>Does one stretch of keys.</summary>
    public static void Run(in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead, int split)
    {
        var stride = work.Cache.Stride;
        var carver = new Carver(Scratch.Take(ScratchUse.Item, ScratchBytes(plan.Lanes, stride)));
        var queries = carver.Take<float>(plan.Lanes * stride);
        var scores = carver.Take<float>(BlockKeys);
        var keys = (float**)carver.Take<nint>(BlockKeys);
        new Span<float>(queries, plan.Lanes * stride).Clear();
        var states = new States(work, plan, sequence, kvHead);
        for (var lane = 0; lane < plan.Lanes; lane++)
        {
            VectorMath<TOps, TV>.Scale(
                queries + lane * stride, work.Query + work.LaneOffset(sequence, kvHead, lane), work.Scale, work.HeadDim);
            states.Begin(lane, split);
        }
        var range = states.Keys(split);
        for (var key = range.First; key < range.End; key += BlockKeys)
        {
            var count = Math.Min(BlockKeys, range.End - key);
            work.Cache.Addresses(work.Layer, kvHead, sequence.Pages.Span, key, count, keys, BlockKeys);
            for (var lane = 0; lane < plan.Lanes; lane++)
            {
                var position = sequence.Start + lane / work.Group;
                var first = Math.Max(key, work.Mask.FirstKey(position));
                var end = Math.Min(key + count, work.Mask.EndKey(position, sequence.Length));
                if (first < end)
                {
                    Block(work, states, lane, split, queries + lane * stride, keys + (first - key), first, end - first, scores);
                }
            }
        }
    }

    /// <summary>Joins the stretches of one sequence and KV head: outputs, and the partial sums of the tap.</summary>
    public static void Merge(in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead)
    {
        var states = new States(work, plan, sequence, kvHead);
        var partials = plan.Tapped ? new TapPartials(work, plan, sequence, kvHead, 0, 0, plan.Lanes) : default;
        var (stride, spans) = (work.Cache.Stride, plan.Tapped ? sequence.Tap!.Spans.Length : 0);
        var singles = plan.Tapped ? sequence.Tap!.Singles.Length : 0;
        var carver = new Carver(Scratch.Take(
            ScratchUse.Item, Carver.Bytes<float>(stride) + Carver.Bytes<float>(spans) + Carver.Bytes<float>(singles)));
        var output = carver.Take<float>(stride);
        var ofSpans = carver.Take<float>(spans);
        var ofSingles = carver.Take<float>(singles);
        if (partials.Any)
        {
            partials.Clear();
        }
        for (var lane = 0; lane < plan.Lanes; lane++)
        {
            new Span<float>(output, stride).Clear();
            new Span<float>(ofSpans, spans).Clear();
            new Span<float>(ofSingles, singles).Clear();
            var max = TileAttention<TOps, TV>.NoMaximum;
            for (var split = 0; split < plan.Splits; split++)
            {
                max = Math.Max(max, states.Max(lane, split));
            }
            var sum = 0f;
            for (var split = 0; split < plan.Splits; split++)
            {
                var factor = Scalar.Exp(states.Max(lane, split) - max);
                sum += factor * states.Sum(lane, split);
                VectorMath<TOps, TV>.AddScaled(output, states.Output(lane, split), factor, stride);
                if (partials.Any)
                {
                    var keys = states.Range(split);
                    VectorMath<TOps, TV>.AddScaled(ofSpans + keys.FirstSpan, states.Spans(lane, split), factor, keys.Spans);
                    VectorMath<TOps, TV>.Scale(ofSingles + keys.FirstSingle, states.Singles(lane, split), factor, keys.Singles);
                }
            }
            if (work.Output != null)
            {
                VectorMath<TOps, TV>.Scale(work.Output + work.LaneOffset(sequence, kvHead, lane), output, 1 / sum, work.HeadDim);
            }
            if (partials.Any)
            {
                var seen = states.Seen;
                VectorMath<TOps, TV>.Scale(ofSpans + seen.FirstSpan, ofSpans + seen.FirstSpan, 1 / sum, seen.Spans);
                VectorMath<TOps, TV>.Scale(ofSingles + seen.FirstSingle, ofSingles + seen.FirstSingle, 1 / sum, seen.Singles);
                partials.AddLane<TOps, TV>(
                    sequence.Start + lane / work.Group, lane % plan.Planes, seen, ofSpans + seen.FirstSpan, ofSingles + seen.FirstSingle);
            }
        }
    }

    /// <summary>scores[k] = q . key k; the pointers are readable up to a multiple of four keys, and so is the room for scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Scores(float* query, float** keys, int count, int stride, float* scores)
    {
        for (var k = 0; k < count; k += 4)
        {
            var k0 = keys[k];
            var k1 = keys[Math.Min(k + 1, count - 1)];
            var k2 = keys[Math.Min(k + 2, count - 1)];
            var k3 = keys[Math.Min(k + 3, count - 1)];
            var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
            for (var d = 0; d < stride; d += TOps.Count)
            {
                var q = TOps.Load(query + d);
                s0 = TOps.MultiplyAdd(q, TOps.Load(k0 + d), s0);
                s1 = TOps.MultiplyAdd(q, TOps.Load(k1 + d), s1);
                s2 = TOps.MultiplyAdd(q, TOps.Load(k2 + d), s2);
                s3 = TOps.MultiplyAdd(q, TOps.Load(k3 + d), s3);
            }
            (scores[k], scores[k + 1], scores[k + 2], scores[k + 3]) = (TOps.Sum(s0), TOps.Sum(s1), TOps.Sum(s2), TOps.Sum(s3));
        }
    }

    private static long ScratchBytes(int lanes, int stride) =>
        Carver.Bytes<float>(lanes * stride) + Carver.Bytes<float>(BlockKeys) + Carver.Bytes<nint>(BlockKeys);

    private static void Block(
        in AttentionWork work, in States states, int lane, int split, float* query, float** keys, int first, int count, float* scores)
    {
        var stride = work.Cache.Stride;
        Scores(query, keys, count, stride, scores);
        var before = states.Max(lane, split);
        var max = Math.Max(before, VectorMath<TOps, TV>.Largest(scores, count));
        if (max > before)
        {
            states.Max(lane, split) = max;
            var factor = Scalar.Exp(before - max);
            states.Sum(lane, split) *= factor;
            VectorMath<TOps, TV>.Scale(states.Output(lane, split), states.Output(lane, split), factor, stride);
            states.Rescale(lane, split, factor);
        }
        states.Sum(lane, split) += VectorMath<TOps, TV>.ExpAndSum(scores, max, count);
        states.AddKeys(lane, split, scores, first, count);
        if (work.Output != null)
        {
            AddValues(scores, keys, (nint)work.Cache.ValueOffset, count, states.Output(lane, split), stride);
        }
    }

    /// <summary>output += sum of p[k] * value k, four keys at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddValues(float* p, float** keys, nint valueOffset, int count, float* output, int stride)
    {
        var k = 0;
        for (; k <= count - 4; k += 4)
        {
            var v0 = keys[k] + valueOffset;
            var v1 = keys[k + 1] + valueOffset;
            var v2 = keys[k + 2] + valueOffset;
            var v3 = keys[k + 3] + valueOffset;
            var (p0, p1) = (TOps.Broadcast(p[k]), TOps.Broadcast(p[k + 1]));
            var (p2, p3) = (TOps.Broadcast(p[k + 2]), TOps.Broadcast(p[k + 3]));
            for (var d = 0; d < stride; d += TOps.Count)
            {
                var sum = TOps.MultiplyAdd(p0, TOps.Load(v0 + d), TOps.Load(output + d));
                sum = TOps.MultiplyAdd(p1, TOps.Load(v1 + d), sum);
                sum = TOps.MultiplyAdd(p2, TOps.Load(v2 + d), sum);
                TOps.Store(TOps.MultiplyAdd(p3, TOps.Load(v3 + d), sum), output + d);
            }
        }
        for (; k < count; k++)
        {
            VectorMath<TOps, TV>.AddScaled(output, keys[k] + valueOffset, p[k], stride);
        }
    }

    /// <summary>Where the stretches of one sequence and KV head keep what they leave.</summary>
    private readonly ref struct States
    {
        private readonly AttentionTap? _tap;
        private readonly float* _base;
        private readonly int _lanes, _stride, _firstSplit, _splits, _first, _end;
        private readonly int _spanRoom;

        public States(in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead)
        {
            _tap = plan.Tapped ? sequence.Tap : null;
            _base = work.States + plan.States + kvHead * plan.StatesPerHead;
            (_lanes, _stride, _firstSplit, _splits) = (plan.Lanes, work.Cache.Stride, plan.FirstSplit, plan.Splits);
            _first = work.Mask.FirstKey(sequence.Start);
            _end = sequence.Length;
            _spanRoom = _tap is null ? 0 : _tap.Spans.Length + _splits;
        }

        /// <summary>Spans and singles that any stretch meets.</summary>
        public TapRange Seen => TapRange.Of(_tap!, _first, _end);

        public (int First, int End) Keys(int split) =>
            (Math.Max(_first, (_firstSplit + split) * SplitKeys), Math.Min(_end, (_firstSplit + split + 1) * SplitKeys));

        public TapRange Range(int split) => TapRange.Of(_tap!, Keys(split).First, Keys(split).End);

        public ref float Max(int lane, int split) => ref State(lane, split)[0];

        public ref float Sum(int lane, int split) => ref State(lane, split)[1];

        public float* Output(int lane, int split) => State(lane, split) + Header;

        /// <summary>Sums over the spans that the stretch meets; it shares at most one with the stretch before.</summary>
        public float* Spans(int lane, int split) =>
            _base + (long)_lanes * _splits * (Header + _stride) + (long)lane * (_spanRoom + _tap!.Singles.Length) + Range(split).FirstSpan + split;

        /// <summary>The single keys of the stretch.</summary>
        public float* Singles(int lane, int split) =>
            _base + (long)_lanes * _splits * (Header + _stride) + (long)lane * (_spanRoom + _tap!.Singles.Length) + _spanRoom
            + Range(split).FirstSingle;

        public void Begin(int lane, int split)
        {
            new Span<float>(State(lane, split), Header + _stride).Clear();
            Max(lane, split) = TileAttention<TOps, TV>.NoMaximum;
            if (_tap is not null)
            {
                new Span<float>(Spans(lane, split), Range(split).Spans).Clear();
                new Span<float>(Singles(lane, split), Range(split).Singles).Clear();
            }
        }

        public void Rescale(int lane, int split, float factor)
        {
            if (_tap is not null)
            {
                VectorMath<TOps, TV>.Scale(Spans(lane, split), Spans(lane, split), factor, Range(split).Spans);
                VectorMath<TOps, TV>.Scale(Singles(lane, split), Singles(lane, split), factor, Range(split).Singles);
            }
        }

        /// <summary>Adds p[i] of key first + i to its span and its single.</summary>
        public void AddKeys(int lane, int split, float* p, int first, int count)
        {
            if (_tap is null)
            {
                return;
            }
            var keys = TapRange.Of(_tap, first, first + count);
            var all = Range(split);
            var spans = Spans(lane, split);
            var singles = Singles(lane, split);
            for (var s = keys.FirstSpan; s < keys.EndSpan; s++)
            {
                var end = Math.Min(_tap.Spans[s].End, first + count);
                for (var k = Math.Max(_tap.Spans[s].Start, first); k < end; k++)
                {
                    spans[s - all.FirstSpan] += p[k - first];
                }
            }
            for (var o = keys.FirstSingle; o < keys.EndSingle; o++)
            {
                singles[o - all.FirstSingle] = p[_tap.Singles[_tap.SinglesByPosition[o]] - first];
            }
        }

        private float* State(int lane, int split) => _base + ((long)split * _lanes + lane) * (Header + _stride);
    }
}
