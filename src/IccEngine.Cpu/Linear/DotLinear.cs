using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// The linear layer of few rows (decoding): the weights are read once, in the order in which they lie, and multiplied along the inputs
/// with up to four rows of x at a time while the block of outputs is in the cache. An item is a run of outputs. An element of y depends on
/// its own row and output only.
/// </summary>
internal readonly unsafe struct DotLinear<TOps, TV, TW>(LinearCall call, int outputsPerItem) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
    where TW : struct, IElements
{
    /// <summary>Outputs whose sums are in registers at once.</summary>
    private const int Block = 4;

    /// <summary>Multiplications below which a second thread costs more than it brings.</summary>
    private const long WorthAThread = 1 << 16;

    /// <summary>Runs the call on the pool.</summary>
    public static void Run(WorkerPool pool, in LinearCall call)
    {
        var work = (long)call.Rows * call.Inputs * call.Outputs;
        var items = (int)Math.Clamp(work / WorthAThread, 1, 8 * pool.Threads);
        var perItem = ((call.Outputs + items - 1) / items + Block - 1) / Block * Block;
        var job = new DotLinear<TOps, TV, TW>(call, perItem);
        pool.Run(ref job, (call.Outputs + perItem - 1) / perItem);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var end = Math.Min((item + 1) * outputsPerItem, call.Outputs);
        var sums = stackalloc float[4 * Block];
        for (var output = item * outputsPerItem; output < end; output += Block)
        {
            var present = Math.Min(Block, end - output);
            var row = 0;
            for (; TOps.TileRows == 8 && row <= call.Rows - 4; row += 4)
            {
                FourRows(call.X + (long)row * call.Inputs, output, present, sums);
                for (var r = 0; r < 4; r++)
                {
                    Finish(row + r, output, present, sums + r * Block);
                }
            }
            for (; row <= call.Rows - 2; row += 2)
            {
                TwoRows(call.X + (long)row * call.Inputs, output, present, sums);
                Finish(row, output, present, sums);
                Finish(row + 1, output, present, sums + Block);
            }
            if (row < call.Rows)
            {
                OneRow(call.X + (long)row * call.Inputs, output, present, sums);
                Finish(row, output, present, sums);
            }
        }
    }

    /// <summary>sums[o] = x . w[output + o] for four outputs; outputs beyond the last one repeat it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneRow(float* x, int output, int present, float* sums)
    {
        var w0 = Row(output, 0, present);
        var w1 = Row(output, 1, present);
        var w2 = Row(output, 2, present);
        var w3 = Row(output, 3, present);
        var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var next = (nint)call.Inputs * TW.Size * Block; // bytes to the rows that come after these
        nint i = 0;
        for (; i <= call.Inputs - TOps.Count; i += TOps.Count)
        {
            Memory.Prefetch(w0 + next + i * TW.Size);
            Memory.Prefetch(w1 + next + i * TW.Size);
            Memory.Prefetch(w2 + next + i * TW.Size);
            Memory.Prefetch(w3 + next + i * TW.Size);
            var v = TOps.Load(x + i);
            s0 = TOps.MultiplyAdd(v, TW.Load<TOps, TV>(w0 + i * TW.Size), s0);
            s1 = TOps.MultiplyAdd(v, TW.Load<TOps, TV>(w1 + i * TW.Size), s1);
            s2 = TOps.MultiplyAdd(v, TW.Load<TOps, TV>(w2 + i * TW.Size), s2);
            s3 = TOps.MultiplyAdd(v, TW.Load<TOps, TV>(w3 + i * TW.Size), s3);
        }
        (sums[0], sums[1], sums[2], sums[3]) = (TOps.Sum(s0), TOps.Sum(s1), TOps.Sum(s2), TOps.Sum(s3));
        AddTail(x, output, present, sums, i);
    }

    /// <summary>As <see cref="OneRow"/> for x and the row after it, whose sums are the next four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TwoRows(float* x, int output, int present, float* sums)
    {
        var w0 = Row(output, 0, present);
        var w1 = Row(output, 1, present);
        var w2 = Row(output, 2, present);
        var w3 = Row(output, 3, present);
        var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (t0, t1, t2, t3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var x1 = x + call.Inputs;
        var next = (nint)call.Inputs * TW.Size * Block; // bytes to the rows that come after these
        nint i = 0;
        for (; i <= call.Inputs - TOps.Count; i += TOps.Count)
        {
            Memory.Prefetch(w0 + next + i * TW.Size);
            Memory.Prefetch(w1 + next + i * TW.Size);
            Memory.Prefetch(w2 + next + i * TW.Size);
            Memory.Prefetch(w3 + next + i * TW.Size);
            var v = TOps.Load(x + i);
            var u = TOps.Load(x1 + i);
            var w = TW.Load<TOps, TV>(w0 + i * TW.Size);
            s0 = TOps.MultiplyAdd(v, w, s0);
            t0 = TOps.MultiplyAdd(u, w, t0);
            w = TW.Load<TOps, TV>(w1 + i * TW.Size);
            s1 = TOps.MultiplyAdd(v, w, s1);
            t1 = TOps.MultiplyAdd(u, w, t1);
            w = TW.Load<TOps, TV>(w2 + i * TW.Size);
            s2 = TOps.MultiplyAdd(v, w, s2);
            t2 = TOps.MultiplyAdd(u, w, t2);
            w = TW.Load<TOps, TV>(w3 + i * TW.Size);
            s3 = TOps.MultiplyAdd(v, w, s3);
            t3 = TOps.MultiplyAdd(u, w, t3);
        }
        (sums[0], sums[1], sums[2], sums[3]) = (TOps.Sum(s0), TOps.Sum(s1), TOps.Sum(s2), TOps.Sum(s3));
        (sums[4], sums[5], sums[6], sums[7]) = (TOps.Sum(t0), TOps.Sum(t1), TOps.Sum(t2), TOps.Sum(t3));
        AddTail(x, output, present, sums, i);
        AddTail(x1, output, present, sums + Block, i);
    }

    /// <summary>As <see cref="OneRow"/> for x and the three rows after it; only where there are registers for 16 sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FourRows(float* x, int output, int present, float* sums)
    {
        var w0 = Row(output, 0, present);
        var w1 = Row(output, 1, present);
        var w2 = Row(output, 2, present);
        var w3 = Row(output, 3, present);
        var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (t0, t1, t2, t3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (u0, u1, u2, u3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (v0, v1, v2, v3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var x1 = x + call.Inputs;
        var x2 = x1 + call.Inputs;
        var x3 = x2 + call.Inputs;
        var next = (nint)call.Inputs * TW.Size * Block; // bytes to the rows that come after these
        nint i = 0;
        for (; i <= call.Inputs - TOps.Count; i += TOps.Count)
        {
            Memory.Prefetch(w0 + next + i * TW.Size);
            Memory.Prefetch(w1 + next + i * TW.Size);
            Memory.Prefetch(w2 + next + i * TW.Size);
            Memory.Prefetch(w3 + next + i * TW.Size);
            var a = TOps.Load(x + i);
            var b = TOps.Load(x1 + i);
            var c = TOps.Load(x2 + i);
            var d = TOps.Load(x3 + i);
            var w = TW.Load<TOps, TV>(w0 + i * TW.Size);
            s0 = TOps.MultiplyAdd(a, w, s0);
            t0 = TOps.MultiplyAdd(b, w, t0);
            u0 = TOps.MultiplyAdd(c, w, u0);
            v0 = TOps.MultiplyAdd(d, w, v0);
            w = TW.Load<TOps, TV>(w1 + i * TW.Size);
            s1 = TOps.MultiplyAdd(a, w, s1);
            t1 = TOps.MultiplyAdd(b, w, t1);
            u1 = TOps.MultiplyAdd(c, w, u1);
            v1 = TOps.MultiplyAdd(d, w, v1);
            w = TW.Load<TOps, TV>(w2 + i * TW.Size);
            s2 = TOps.MultiplyAdd(a, w, s2);
            t2 = TOps.MultiplyAdd(b, w, t2);
            u2 = TOps.MultiplyAdd(c, w, u2);
            v2 = TOps.MultiplyAdd(d, w, v2);
            w = TW.Load<TOps, TV>(w3 + i * TW.Size);
            s3 = TOps.MultiplyAdd(a, w, s3);
            t3 = TOps.MultiplyAdd(b, w, t3);
            u3 = TOps.MultiplyAdd(c, w, u3);
            v3 = TOps.MultiplyAdd(d, w, v3);
        }
        (sums[0], sums[1], sums[2], sums[3]) = (TOps.Sum(s0), TOps.Sum(s1), TOps.Sum(s2), TOps.Sum(s3));
        (sums[4], sums[5], sums[6], sums[7]) = (TOps.Sum(t0), TOps.Sum(t1), TOps.Sum(t2), TOps.Sum(t3));
        (sums[8], sums[9], sums[10], sums[11]) = (TOps.Sum(u0), TOps.Sum(u1), TOps.Sum(u2), TOps.Sum(u3));
        (sums[12], sums[13], sums[14], sums[15]) = (TOps.Sum(v0), TOps.Sum(v1), TOps.Sum(v2), TOps.Sum(v3));
        AddTail(x, output, present, sums, i);
        AddTail(x1, output, present, sums + Block, i);
        AddTail(x2, output, present, sums + 2 * Block, i);
        AddTail(x3, output, present, sums + 3 * Block, i);
    }

    private byte* Row(int output, int o, int present) =>
        call.W + (long)(output + Math.Min(o, present - 1)) * call.Inputs * TW.Size;

    private void AddTail(float* x, int output, int present, float* sums, nint from)
    {
        for (var o = 0; o < present; o++)
        {
            var w = Row(output, o, present);
            for (var i = from; i < call.Inputs; i++)
            {
                sums[o] += x[i] * TW.One(w + i * TW.Size);
            }
        }
    }

    private void Finish(int row, int output, int present, float* sums)
    {
        var y = call.Y + (long)row * call.Outputs + output;
        for (var o = 0; o < present; o++)
        {
            var value = call.Scale * sums[o] + (call.Bias == null ? 0 : call.Bias[output + o]);
            y[o] = call.Accumulate ? y[o] + value : value;
        }
    }
}
