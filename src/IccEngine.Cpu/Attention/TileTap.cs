using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// The tap of one tile: for every lane the sum of exp(score - max) over each span of keys, and the same at single keys. A sum is kept
/// with the maximum that it was taken under and brought to the final one at the end, so that a moving maximum costs the tap one
/// exponential for each span that goes on into the next block, and nothing for those that are complete.
/// </summary>
internal unsafe struct TileTap<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    private readonly AttentionTap _tap;
    private readonly TapPartials _partials;
    private readonly TapRange _keys;
    private readonly int _firstKey, _vectors, _spanRoom, _singleRoom;

    // [spans, TileLanes] and [singles, TileLanes]: sums, and the maxima that they were taken under.
    private readonly float* _sums, _sumMax, _singles, _singleMax;

    // The same sums with lanes as rows: [TileLanes, _spanRoom] and [TileLanes, _singleRoom].
    private readonly float* _sumsOfLane, _singlesOfLane;
    private int _span, _single;

    public TileTap(
        AttentionTap tap, TapPartials partials, TapRange keys, int firstKey, int vectors, scoped ref Carver carver)
    {
        (_tap, _partials, _keys, _firstKey, _vectors) = (tap, partials, keys, firstKey, vectors);
        (_span, _single) = (keys.FirstSpan, keys.FirstSingle);
        (_spanRoom, _singleRoom) = (Room(keys.Spans), Room(keys.Singles));
        _sums = carver.Take<float>(_spanRoom * Width);
        _sumMax = carver.Take<float>(_spanRoom * Width);
        _sumsOfLane = carver.Take<float>(_spanRoom * Width);
        _singles = carver.Take<float>(_singleRoom * Width);
        _singleMax = carver.Take<float>(_singleRoom * Width);
        _singlesOfLane = carver.Take<float>(_singleRoom * Width);
        _partials.Clear();
        Wanted = true;
    }

    private static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MicroKernel<TOps, TV>.TileLanes;
    }

    /// <summary>Whether the tile has rows to tap; all else is for such tiles only.</summary>
    public bool Wanted { get; }

    /// <summary>Scratch for the spans and singles that the tile's keys meet.</summary>
    public static long ScratchBytes(in TapRange keys) =>
        3 * (Carver.Bytes<float>((long)Room(keys.Spans) * Width) + Carver.Bytes<float>((long)Room(keys.Singles) * Width));

    /// <summary>Takes in the block of keys [key, key + count).</summary>
    /// <param name="p">exp(score - max) [count, TileLanes]</param>
    /// <param name="max">The maxima [TileLanes] of those.</param>
    /// <param name="key">First key of the block.</param>
    /// <param name="count">Keys of the block.</param>
    public void Block(float* p, float* max, int key, int count)
    {
        if (_partials.OverSpans)
        {
            for (; _span < _keys.EndSpan && _tap.Spans[_span].Start < key + count; _span++)
            {
                var (first, end) = (Math.Max(_tap.Spans[_span].Start, key), Math.Min(_tap.Spans[_span].End, key + count));
                var goesOn = first == key && key > _firstKey && _tap.Spans[_span].Start < key;
                AddKeys(p + (first - key) * Width, end - first, max, (_span - _keys.FirstSpan) * Width, goesOn);
                if (_tap.Spans[_span].End > key + count)
                {
                    break;
                }
            }
        }
        if (_partials.OverSingles)
        {
            for (; _single < _keys.EndSingle && SinglePosition(_single) < key + count; _single++)
            {
                var at = (_single - _keys.FirstSingle) * Width;
                Unsafe.CopyBlock(_singles + at, p + (SinglePosition(_single) - key) * Width, (uint)(Width * sizeof(float)));
                Unsafe.CopyBlock(_singleMax + at, max, (uint)(Width * sizeof(float)));
            }
        }
    }

    /// <summary>Sums become probabilities.</summary>
    /// <param name="max">Final maxima [TileLanes].</param>
    /// <param name="inverse">1 / sum of exp(score - max) [TileLanes].</param>
    public readonly void Normalise(float* max, float* inverse)
    {
        if (_partials.OverSpans)
        {
            Normalise(_sums, _sumMax, _keys.Spans, max, inverse, _sumsOfLane, _spanRoom);
        }
        if (_partials.OverSingles)
        {
            Normalise(_singles, _singleMax, _keys.Singles, max, inverse, _singlesOfLane, _singleRoom);
        }
    }

    /// <summary>Adds one lane to the tile's partial sums.</summary>
    public readonly void AddLane(int lane, int position, int plane) => _partials.AddLane<TOps, TV>(
        position, plane, _keys, _sumsOfLane + (long)lane * _spanRoom, _singlesOfLane + (long)lane * _singleRoom);

    private static int Room(int entries) => (entries + TOps.Count - 1) / TOps.Count * TOps.Count;

    private readonly int SinglePosition(int index) => _tap.Singles[_tap.SinglesByPosition[index]];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddKeys(float* p, int count, float* max, int at, bool goesOn)
    {
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            var (sum0, sum1) = (TOps.Load(p + lane), TOps.Zero);
            var k = 1;
            for (; k < count - 1; k += 2)
            {
                sum0 = TOps.Add(sum0, TOps.Load(p + k * Width + lane));
                sum1 = TOps.Add(sum1, TOps.Load(p + (k + 1) * Width + lane));
            }
            if (k < count)
            {
                sum0 = TOps.Add(sum0, TOps.Load(p + k * Width + lane));
            }
            var sum = TOps.Add(sum0, sum1);
            var now = TOps.Load(max + lane);
            if (goesOn)
            {
                var factor = VectorMath<TOps, TV>.Exp(TOps.Subtract(TOps.Load(_sumMax + at + lane), now));
                sum = TOps.MultiplyAdd(TOps.Load(_sums + at + lane), factor, sum);
            }
            TOps.Store(sum, _sums + at + lane);
            TOps.Store(now, _sumMax + at + lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Normalise(float* sums, float* under, int entries, float* max, float* inverse, float* ofLane, int room)
    {
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            var (final, factor) = (TOps.Load(max + lane), TOps.Load(inverse + lane));
            for (var e = 0; e < entries; e++)
            {
                var at = e * Width + lane;
                var moved = VectorMath<TOps, TV>.Exp(TOps.Subtract(TOps.Load(under + at), final));
                TOps.Store(TOps.Multiply(TOps.Load(sums + at), TOps.Multiply(moved, factor)), sums + at);
            }
            for (var e = 0; e < room; e += TOps.Count)
            {
                TOps.Transpose(sums + e * Width + lane, Width, ofLane + (long)lane * room + e, room);
            }
        }
    }
}
