using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// Streaming softmax attention (Dao et al. 2022; Milakov and Gimelshein 2018) of a tile of lanes of one sequence and KV head. Lanes are
/// (query row, query head of the group) pairs, and they are the lanes of the vectors: queries are transposed once, keys and values are
/// broadcast from the pages as they lie, and maximum, exponential and sums need nothing across lanes.
/// <para>
/// Keys are walked in blocks that begin at multiples of <see cref="BlockKeys"/>, and no lane looks at another, so what a row gets does
/// not depend on the rows beside it.
/// </para>
/// </summary>
internal unsafe ref struct TileAttention<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Keys whose scores are held at once.</summary>
    public const int BlockKeys = 64;

    /// <summary>Below every score, and yet so that the difference to minus infinity is no NaN.</summary>
    public const float NoMaximum = -1e30f;

    private readonly ref readonly AttentionWork _work;
    private readonly SequenceRows _sequence;
    private readonly int _kvHead, _firstLane, _lanes, _vectors, _stride;

    // Lane-major scratch, all rows TileLanes wide.
    private readonly float* _queries;    // [headDim]
    private readonly float* _scores;     // [BlockKeys]
    private readonly float* _outputs;    // [stride]
    private readonly float* _max;        // [1]
    private readonly float* _sum;        // [1]
    private readonly float* _firstKey;   // [1] first position that a lane sees
    private readonly float* _lastKey;    // [1] last position that a lane sees
    private readonly float* _stage;      // [Count, stride]: rows on their way from or to the tensors
    private readonly float** _keys;      // [BlockKeys]
    private TileTap<TOps, TV> _tap;

    private TileAttention(in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead, int tile)
    {
        _work = ref work;
        (_sequence, _kvHead, _stride) = (sequence, kvHead, work.Cache.Stride);
        _firstLane = tile * Width;
        _lanes = Math.Min(Width, plan.Lanes - _firstLane);
        _vectors = (_lanes + TOps.Count - 1) / TOps.Count;
        FirstKey = work.Mask.FirstKey(Position(0));
        EndKey = work.Mask.EndKey(Position(_lanes - 1), sequence.Length);

        var partials = plan.Tapped ? new TapPartials(work, plan, sequence, kvHead, tile, _firstLane, _firstLane + _lanes) : default;
        var keys = partials.Any ? TapRange.Of(sequence.Tap!, FirstKey, EndKey) : default;
        var carver = new Carver(Scratch.Take(ScratchUse.Item, ScratchBytes(_stride) + TileTap<TOps, TV>.ScratchBytes(keys)));
        _queries = carver.Take<float>(_stride * Width);
        _scores = carver.Take<float>(BlockKeys * Width);
        _outputs = carver.Take<float>(_stride * Width);
        _max = carver.Take<float>(Width);
        _sum = carver.Take<float>(Width);
        _firstKey = carver.Take<float>(Width);
        _lastKey = carver.Take<float>(Width);
        _stage = carver.Take<float>(TOps.Count * _stride);
        _keys = (float**)carver.Take<nint>(BlockKeys);
        _tap = partials.Any ? new TileTap<TOps, TV>(sequence.Tap!, partials, keys, FirstKey, _vectors, ref carver) : default;
    }

    private static int Width
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MicroKernel<TOps, TV>.TileLanes;
    }

    /// <summary>Keys [FirstKey, EndKey) are seen by some lane.</summary>
    private int FirstKey { get; }

    private int EndKey { get; }

    /// <summary>Does one tile.</summary>
    public static void Run(in AttentionWork work, in SequencePlan plan, in SequenceRows sequence, int kvHead, int tile)
    {
        var attention = new TileAttention<TOps, TV>(work, plan, sequence, kvHead, tile);
        attention.LoadQueries();
        attention.Start();
        var pages = sequence.Pages.Span;
        for (var key = attention.FirstKey; key < attention.EndKey;)
        {
            var end = Math.Min((key / BlockKeys + 1) * BlockKeys, attention.EndKey);
            work.Cache.Addresses(work.Layer, kvHead, pages, key, end - key, attention._keys, BlockKeys);
            attention.Block(key, end - key);
            key = end;
        }
        attention.Finish(plan.Planes);
    }

    private static long ScratchBytes(int stride) =>
        Carver.Bytes<float>((2 * stride + BlockKeys) * Width) + 4 * Carver.Bytes<float>(Width)
        + Carver.Bytes<float>(TOps.Count * stride) + Carver.Bytes<nint>(BlockKeys) + 2 * 64;

    private readonly int Position(int lane) => _sequence.Start + (_firstLane + lane) / _work.Group;

    /// <summary>The queries times the scale, transposed; lanes beyond the last one are zero.</summary>
    private readonly void LoadQueries()
    {
        var headDim = _work.HeadDim;
        for (var vector = 0; vector < _vectors; vector++)
        {
            new Span<float>(_stage, TOps.Count * _stride).Clear();
            var present = Math.Min(TOps.Count, _lanes - vector * TOps.Count);
            for (var i = 0; i < present; i++)
            {
                var lane = _firstLane + vector * TOps.Count + i;
                var query = _work.Query + _work.LaneOffset(_sequence, _kvHead, lane);
                VectorMath<TOps, TV>.Scale(_stage + i * _stride, query, _work.Scale, headDim);
            }
            for (var d = 0; d < _stride; d += TOps.Count)
            {
                TOps.Transpose(_stage + d, _stride, _queries + d * Width + vector * TOps.Count, Width);
            }
        }
    }

    private readonly void Start()
    {
        new Span<float>(_outputs, _stride * Width).Clear();
        new Span<float>(_sum, Width).Clear();
        new Span<float>(_max, Width).Fill(NoMaximum);
        for (var lane = 0; lane < Width; lane++)
        {
            // Lanes beyond the last one see what it sees.
            var position = Position(Math.Min(lane, _lanes - 1));
            _firstKey[lane] = _work.Mask.FirstKey(position);
            _lastKey[lane] = _work.Mask.EndKey(position, _sequence.Length) - 1;
        }
    }

    private void Block(int key, int count)
    {
        Scores(count);
        if (key < _firstKey[_lanes - 1] || key + count - 1 > _lastKey[0])
        {
            Mask(key, count);
        }
        for (var vector = 0; vector < _vectors; vector++)
        {
            Softmax(vector * TOps.Count, count);
        }
        if (_tap.Wanted)
        {
            _tap.Block(_scores, _max, key, count);
        }
        if (_work.Output != null)
        {
            WeightedValues(count);
        }
    }

    private readonly void Scores(int count)
    {
        if (_vectors == 3)
        {
            for (var k = 0; k < count; k += TOps.TileRows)
            {
                MicroKernel<TOps, TV>.Rows(_keys + k, _queries, _work.HeadDim, _scores + k * Width, Width, false);
            }
            return;
        }
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            for (var k = 0; k < count; k += MicroKernel<TOps, TV>.NarrowRows)
            {
                MicroKernel<TOps, TV>.Rows8x1(_keys + k, _queries + lane, _work.HeadDim, _scores + k * Width + lane, Width, false);
            }
        }
    }

    private readonly void WeightedValues(int count)
    {
        // A value lies ValueOffset beyond its key.
        var values = (nint)_work.Cache.ValueOffset;
        if (_vectors == 3)
        {
            for (var d = 0; d < _stride; d += TOps.TileRows)
            {
                MicroKernel<TOps, TV>.Columns(_keys, values + d, TOps.TileRows, _scores, count, _outputs + d * Width, Width, true);
            }
            return;
        }
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            for (var d = 0; d < _stride; d += MicroKernel<TOps, TV>.NarrowRows)
            {
                MicroKernel<TOps, TV>.Columns8x1(_keys, values + d, _scores + lane, count, _outputs + d * Width + lane, Width, true);
            }
        }
    }

    /// <summary>Hides the keys that a lane does not see.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Mask(int key, int count)
    {
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            var (first, last) = (TOps.Load(_firstKey + lane), TOps.Load(_lastKey + lane));
            for (var k = 0; k < count; k++)
            {
                var scores = _scores + k * Width + lane;
                TOps.Store(TOps.Within(first, TOps.Broadcast(key + k), last, TOps.Load(scores)), scores);
            }
        }
    }

    /// <summary>Scores become exp(score - max) for one vector of lanes; what was summed before is rescaled where the maximum moved.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Softmax(int lane, int count)
    {
        var scores = _scores + lane;
        var before = TOps.Load(_max + lane);
        var max = before;
        for (var k = 0; k < count; k++)
        {
            max = TOps.Max(TOps.Load(scores + k * Width), max);
        }
        var sum = TOps.Load(_sum + lane);
        if (TOps.AnyGreater(max, before))
        {
            var factor = VectorMath<TOps, TV>.Exp(TOps.Subtract(before, max));
            sum = TOps.Multiply(sum, factor);
            for (var d = 0; d < _stride; d++)
            {
                var output = _outputs + d * Width + lane;
                TOps.Store(TOps.Multiply(TOps.Load(output), factor), output);
            }
            TOps.Store(max, _max + lane);
        }
        for (var k = 0; k < count; k++)
        {
            var p = VectorMath<TOps, TV>.Exp(TOps.Subtract(TOps.Load(scores + k * Width), max));
            TOps.Store(p, scores + k * Width);
            sum = TOps.Add(sum, p);
        }
        TOps.Store(sum, _sum + lane);
    }

    private void Finish(int planes)
    {
        for (var lane = 0; lane < _vectors * TOps.Count; lane += TOps.Count)
        {
            TOps.Store(TOps.Divide(TOps.Broadcast(1), TOps.Load(_sum + lane)), _sum + lane);
        }
        if (_tap.Wanted)
        {
            _tap.Normalise(_max, _sum);
            for (var lane = 0; lane < _lanes; lane++)
            {
                _tap.AddLane(lane, Position(lane), (_firstLane + lane) % planes);
            }
        }
        if (_work.Output != null)
        {
            StoreOutputs();
        }
    }

    private readonly void StoreOutputs()
    {
        for (var vector = 0; vector < _vectors; vector++)
        {
            var first = vector * TOps.Count;
            for (var d = 0; d < _stride; d += TOps.Count)
            {
                TOps.Transpose(_outputs + d * Width + first, Width, _stage + d, _stride);
            }
            for (var i = 0; i < Math.Min(TOps.Count, _lanes - first); i++)
            {
                var output = _work.Output + _work.LaneOffset(_sequence, _kvHead, _firstLane + first + i);
                VectorMath<TOps, TV>.Scale(output, _stage + i * _stride, _sum[first + i], _work.HeadDim);
            }
        }
    }
}
