using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// The linear layer of few rows for weights in <see cref="WeightFormat.Int8"/>: they are read once, in the order in which they lie. One
/// row takes one output after the other; the sum of a group is multiplied by its scale as a whole. Several rows pass in tiles, laid out as
/// for float32, by a few outputs at a time, whose weights are scaled for all rows of a tile at once. An item is a run of outputs. An
/// element of y depends on its own row and output, and on whether there are other rows, only.
/// </summary>
internal readonly unsafe struct Int8DotLinear<TOps, TV>(LinearCall call, float* tiles, int outputsPerItem) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Multiplications below which a second thread costs more than it brings.</summary>
    private const long WorthAThread = 1 << 16;

    /// <summary>How far ahead weights are asked for.</summary>
    private const int AheadBytes = 4096;

    private const int Group = Int8Matrix.Group;

    private static int TileOutputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => DotTile<TOps, TV, F32Elements>.Outputs;
    }

    private static int TileRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => DotTile<TOps, TV, F32Elements>.Rows;
    }

    private int Groups => Int8Matrix.GroupsOf(call.Inputs);

    /// <summary>Runs the call on the pool.</summary>
    public static void Run(WorkerPool pool, in LinearCall call)
    {
        var work = (long)call.Rows * call.Inputs * call.Outputs;
        var items = (int)Math.Clamp(work / WorthAThread, 1, 8 * pool.Threads);
        var perItem = ((call.Outputs + items - 1) / items + TileOutputs - 1) / TileOutputs * TileOutputs;
        var tiles = call.Rows == 1 ? null : DotLinear<TOps, TV, F32Elements>.LayOut(call);
        var job = new Int8DotLinear<TOps, TV>(call, tiles, perItem);
        pool.Run(ref job, (call.Outputs + perItem - 1) / perItem);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var first = item * outputsPerItem;
        var end = Math.Min(first + outputsPerItem, call.Outputs);
        var scales = (float*)Scratch.Take(ScratchUse.Item, (long)TileOutputs * Groups * sizeof(float));
        if (call.Rows == 1)
        {
            for (var output = first; output < end; output++)
            {
                WidenScales(output, scales);
                Finish(0, output, OneRow(output, scales));
            }
            return;
        }
        var sums = stackalloc float[TileRows * TileOutputs];
        for (var output = first; output < end; output += TileOutputs)
        {
            var outputs = Math.Min(TileOutputs, end - output);
            for (var o = 0; o < outputs; o++)
            {
                WidenScales(output + o, scales + o * Groups);
            }
            for (var row = 0; row < call.Rows; row += TileRows)
            {
                Tile(row, output, outputs, scales, sums);
            }
        }
    }

    /// <summary>x . w of the first row, in two chains of sums of groups.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float OneRow(int output, float* scales)
    {
        var w = (sbyte*)call.W + (long)output * Groups * Group;
        var x = call.X;
        var (even, odd) = (TOps.Zero, TOps.Zero);
        var whole = call.Inputs / Group;
        var g = 0;
        for (; g <= whole - 2; g += 2, w += 2 * Group, x += 2 * Group)
        {
            Memory.Prefetch(w + AheadBytes);
            even = TOps.MultiplyAdd(GroupSum(x, w), TOps.Broadcast(scales[g]), even);
            odd = TOps.MultiplyAdd(GroupSum(x + Group, w + Group), TOps.Broadcast(scales[g + 1]), odd);
        }
        if (g < whole)
        {
            even = TOps.MultiplyAdd(GroupSum(x, w), TOps.Broadcast(scales[g]), even);
            g++;
            w += Group;
            x += Group;
        }
        float tail = 0;
        for (var i = 0; i < call.Inputs - g * Group; i++)
        {
            tail += x[i] * w[i];
        }
        var sum = TOps.Sum(TOps.Add(even, odd));
        return g * Group < call.Inputs ? sum + tail * scales[g] : sum;
    }

    /// <summary>x . q of a group, by lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV GroupSum(float* x, sbyte* w)
    {
        var sum = TOps.Multiply(TOps.Load(x), TOps.LoadI8(w));
        for (var i = TOps.Count; i < Group; i += TOps.Count)
        {
            sum = TOps.MultiplyAdd(TOps.Load(x + i), TOps.LoadI8(w + i), sum);
        }
        return sum;
    }

    /// <summary>The scales of an output as float32.</summary>
    private void WidenScales(int output, float* wide)
    {
        var scales = call.Scales + (long)output * Groups;
        var g = 0;
        for (; g <= Groups - TOps.Count; g += TOps.Count)
        {
            TOps.Store(TOps.LoadF16(scales + g), wide + g);
        }
        for (; g < Groups; g++)
        {
            wide[g] = Int8Elements.Scale(scales[g]);
        }
    }

    /// <summary>The products of a tile of rows with a few outputs, and their way to y.</summary>
    private void Tile(int row, int output, int outputs, float* scales, float* sums)
    {
        var present = Math.Min(TileRows, call.Rows - row);
        var vectors = call.Inputs / TOps.Count;
        var w = stackalloc sbyte*[TileOutputs];
        var factors = stackalloc float*[TileOutputs];
        for (var o = 0; o < TileOutputs; o++)
        {
            // Outputs beyond the last one repeat it; nobody reads their sums.
            var there = Math.Min(o, outputs - 1);
            w[o] = (sbyte*)call.W + (long)(output + there) * Groups * Group;
            factors[o] = scales + there * Groups;
        }
        var next = (sbyte*)call.W + (long)(output + outputs) * Groups * Group;
        Int8Tile<TOps, TV>.Multiply(tiles + (long)row * vectors * TOps.Count, w, factors, vectors, next, sums);
        for (var r = 0; r < present; r++)
        {
            var x = call.X + (long)(row + r) * call.Inputs;
            for (var o = 0; o < outputs; o++)
            {
                var sum = sums[r * TileOutputs + o];
                for (var i = vectors * TOps.Count; i < call.Inputs; i++)
                {
                    sum += x[i] * (factors[o][i / Group] * w[o][i]);
                }
                Finish(row + r, output + o, sum);
            }
        }
    }

    private void Finish(int row, int output, float sum)
    {
        var y = call.Y + (long)row * call.Outputs + output;
        var value = call.Scale * sum + (call.Bias == null ? 0 : call.Bias[output]);
        *y = call.Accumulate ? *y + value : value;
    }
}
