using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>What <see cref="RotateAndStoreJob{TOps, TV}"/> works on.</summary>
internal unsafe struct RotateAndStoreCall
{
    /// <summary>[rows, heads, headDim]</summary>
    public float* Query;

    /// <summary>[rows, kvHeads, headDim]</summary>
    public float* Key;

    /// <summary>[rows, kvHeads, headDim], or null</summary>
    public float* Value;

    /// <summary>[rows, headDim / 2]</summary>
    public float* Cos;

    /// <summary>[rows, headDim / 2]</summary>
    public float* Sin;

    public int Rows;

    public int Heads;

    public CpuKvCache Cache;

    public int Layer;

    /// <summary>The sequences, pinned by the caller.</summary>
    public void* Sequences;

    public int SequenceCount;
}

/// <summary>Rotary embedding of rows and the write of their keys and values to the pages; some rows of the batch an item.</summary>
internal readonly unsafe struct RotateAndStoreJob<TOps, TV>(RotateAndStoreCall call) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Rows of an item.</summary>
    public const int ItemRows = 8;

    public void Run(int item)
    {
        var (kvHeads, headDim) = (call.Cache.Shape.KvHeads, call.Cache.Shape.HeadDim);
        var (first, end) = (item * ItemRows, Math.Min((item + 1) * ItemRows, call.Rows));
        for (var row = first; row < end; row++)
        {
            var cos = call.Cos + (long)row * (headDim / 2);
            var sin = call.Sin + (long)row * (headDim / 2);
            for (var head = 0; head < call.Heads; head++)
            {
                Rotate(call.Query + ((long)row * call.Heads + head) * headDim, cos, sin, headDim / 2);
            }
            for (var head = 0; head < kvHeads; head++)
            {
                Rotate(call.Key + ((long)row * kvHeads + head) * headDim, cos, sin, headDim / 2);
            }
        }
        for (var s = 0; s < call.SequenceCount; s++)
        {
            ref readonly var sequence = ref Unsafe.Add(ref Unsafe.AsRef<SequenceRows>(call.Sequences), s);
            var stop = Math.Min(end, sequence.FirstRow + sequence.RowCount);
            for (var row = Math.Max(first, sequence.FirstRow); row < stop; row++)
            {
                Store(row, sequence.Start + row - sequence.FirstRow, sequence.Pages.Span);
            }
        }
    }

    private void Store(int row, int position, ReadOnlySpan<int> pages)
    {
        var (kvHeads, headDim) = (call.Cache.Shape.KvHeads, call.Cache.Shape.HeadDim);
        var page = pages[position / call.Cache.Shape.PageTokens];
        var slot = (long)(position % call.Cache.Shape.PageTokens) * call.Cache.Stride;
        for (var head = 0; head < kvHeads; head++)
        {
            var from = ((long)row * kvHeads + head) * headDim;
            var key = call.Cache.Keys(call.Layer, page, head) + slot;
            new ReadOnlySpan<float>(call.Key + from, headDim).CopyTo(new Span<float>(key, headDim));
            if (call.Value != null)
            {
                new ReadOnlySpan<float>(call.Value + from, headDim).CopyTo(new Span<float>(key + call.Cache.ValueOffset, headDim));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rotate(float* x, float* cos, float* sin, int half)
    {
        var i = 0;
        for (; i <= half - TOps.Count; i += TOps.Count)
        {
            var (a, b) = (TOps.Load(x + i), TOps.Load(x + half + i));
            var (c, s) = (TOps.Load(cos + i), TOps.Load(sin + i));
            TOps.Store(TOps.Subtract(TOps.Multiply(a, c), TOps.Multiply(b, s)), x + i);
            TOps.Store(TOps.MultiplyAdd(b, c, TOps.Multiply(a, s)), x + half + i);
        }
        for (; i < half; i++)
        {
            var (a, b) = (x[i], x[half + i]);
            x[i] = a * cos[i] - b * sin[i];
            x[half + i] = b * cos[i] + a * sin[i];
        }
    }
}
