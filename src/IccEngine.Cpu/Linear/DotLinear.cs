using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// The linear layer of few rows (decoding): the weights are read once, in the order in which they lie, which is what memory is fastest
/// at. One row takes one output after the other; several rows are laid out in tiles of <see cref="DotTile{TOps, TV, TW}.Rows"/>, zero
/// beyond the last one (the weights are what costs), which all pass by a few outputs at a time. An item is a run of outputs. An element of y depends on its own row
/// and output, and on whether there are other rows, only.
/// </summary>
internal readonly unsafe struct DotLinear<TOps, TV, TW>(LinearCall call, float* tiles, int outputsPerItem) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
    where TW : struct, IElements
{
    /// <summary>Multiplications below which a second thread costs more than it brings.</summary>
    private const long WorthAThread = 1 << 16;

    /// <summary>How far ahead of one row's product its weights are asked for.</summary>
    private const int AheadBytes = 4096;

    private static int TileOutputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => DotTile<TOps, TV, TW>.Outputs;
    }

    private static int TileRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => DotTile<TOps, TV, TW>.Rows;
    }

    /// <summary>Runs the call on the pool.</summary>
    public static void Run(WorkerPool pool, in LinearCall call)
    {
        var work = (long)call.Rows * call.Inputs * call.Outputs;
        var items = (int)Math.Clamp(work / WorthAThread, 1, 8 * pool.Threads);
        var perItem = ((call.Outputs + items - 1) / items + TileOutputs - 1) / TileOutputs * TileOutputs;
        var job = new DotLinear<TOps, TV, TW>(call, call.Rows == 1 ? null : LayOut(call), perItem);
        pool.Run(ref job, (call.Outputs + perItem - 1) / perItem);
    }

    /// <summary>The rows of x as tiles read them: [tiles, vectors of the inputs, TileRows, Count], in the calling thread's scratch.</summary>
    public static float* LayOut(in LinearCall call)
    {
        var vectors = call.Inputs / TOps.Count;
        var rows = (call.Rows + TileRows - 1) / TileRows * TileRows;
        var tiles = (float*)Scratch.Take(ScratchUse.Rows, (long)rows * vectors * TOps.Count * sizeof(float));
        for (var row = 0; row < rows; row++)
        {
            var from = call.X + (long)row * call.Inputs;
            var to = tiles + ((long)(row / TileRows) * vectors * TileRows + row % TileRows) * TOps.Count;
            for (var v = 0; v < vectors; v++, from += TOps.Count, to += TileRows * TOps.Count)
            {
                TOps.Store(row < call.Rows ? TOps.Load(from) : TOps.Zero, to);
            }
        }
        return tiles;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var first = item * outputsPerItem;
        var end = Math.Min(first + outputsPerItem, call.Outputs);
        if (call.Rows == 1)
        {
            for (var output = first; output < end; output++)
            {
                Finish(0, output, OneRow(Weights(output)));
            }
            return;
        }
        var sums = stackalloc float[TileRows * TileOutputs];
        for (var output = first; output < end; output += TileOutputs)
        {
            for (var row = 0; row < call.Rows; row += TileRows)
            {
                Tile(row, output, Math.Min(TileOutputs, end - output), sums);
            }
        }
    }

    /// <summary>x . w in four chains of sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float OneRow(byte* w)
    {
        var x = call.X;
        var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        nint i = 0;
        for (; i <= call.Inputs - 4 * TOps.Count; i += 4 * TOps.Count)
        {
            for (nint line = 0; line < 4 * TOps.Count * TW.Size; line += Memory.CacheLine)
            {
                Memory.Prefetch(w + i * TW.Size + line + AheadBytes);
            }
            s0 = TOps.MultiplyAdd(TOps.Load(x + i), TW.Load<TOps, TV>(w + i * TW.Size), s0);
            s1 = TOps.MultiplyAdd(TOps.Load(x + i + TOps.Count), TW.Load<TOps, TV>(w + (i + TOps.Count) * TW.Size), s1);
            s2 = TOps.MultiplyAdd(TOps.Load(x + i + 2 * TOps.Count), TW.Load<TOps, TV>(w + (i + 2 * TOps.Count) * TW.Size), s2);
            s3 = TOps.MultiplyAdd(TOps.Load(x + i + 3 * TOps.Count), TW.Load<TOps, TV>(w + (i + 3 * TOps.Count) * TW.Size), s3);
        }
        for (; i <= call.Inputs - TOps.Count; i += TOps.Count)
        {
            s0 = TOps.MultiplyAdd(TOps.Load(x + i), TW.Load<TOps, TV>(w + i * TW.Size), s0);
        }
        return TOps.Sum(TOps.Add(TOps.Add(s0, s1), TOps.Add(s2, s3))) + Tail(x, w, i);
    }

    /// <summary>The products of a tile of rows with a few outputs, and their way to y.</summary>
    private void Tile(int row, int output, int outputs, float* sums)
    {
        var present = Math.Min(TileRows, call.Rows - row);
        var vectors = call.Inputs / TOps.Count;
        var x = tiles + (long)row * vectors * TOps.Count;
        var w = stackalloc byte*[TileOutputs];
        for (var o = 0; o < TileOutputs; o++)
        {
            // Outputs beyond the last one repeat it; nobody reads their sums.
            w[o] = Weights(output + Math.Min(o, outputs - 1));
        }
        DotTile<TOps, TV, TW>.Multiply(x, w, vectors, Weights(output + outputs), sums);
        var tail = vectors * TOps.Count;
        for (var r = 0; r < present; r++)
        {
            for (var o = 0; o < outputs; o++)
            {
                Finish(row + r, output + o, sums[r * TileOutputs + o] + Tail(call.X + (long)(row + r) * call.Inputs, Weights(output + o), tail));
            }
        }
    }

    private byte* Weights(int output) => call.W + (long)output * call.Inputs * TW.Size;

    private float Tail(float* x, byte* w, nint from)
    {
        float sum = 0;
        for (var i = from; i < call.Inputs; i++)
        {
            sum += x[i] * TW.One(w + i * TW.Size);
        }
        return sum;
    }

    private void Finish(int row, int output, float sum)
    {
        var y = call.Y + (long)row * call.Outputs + output;
        var value = call.Scale * sum + (call.Bias == null ? 0 : call.Bias[output]);
        *y = call.Accumulate ? *y + value : value;
    }
}
