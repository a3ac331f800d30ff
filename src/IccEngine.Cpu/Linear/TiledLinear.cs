using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>y = scale * (x w^T) + bias, or the same added to y.</summary>
internal unsafe struct LinearCall
{
    /// <summary>[rows, inputs]</summary>
    public float* X;

    /// <summary>[outputs, inputs], in the weight's own type</summary>
    public byte* W;

    /// <summary>Scales of int8 weights, which lie as <see cref="Core.Int8Matrix"/> has them; null for other types</summary>
    public ushort* Scales;

    /// <summary>[outputs], or null</summary>
    public float* Bias;

    /// <summary>[rows, outputs]</summary>
    public float* Y;

    public int Rows;
    public int Inputs;
    public int Outputs;
    public float Scale;
    public bool Accumulate;
}

/// <summary>
/// The linear layer of many rows. Rows of more than one block of inputs are laid out anew once, so that a register tile reads them from
/// front to back (rows that lie a power of two apart would push each other out of the caches); panels of the weight are widened and transposed into scratch
/// a block of inputs at a time; sums stay in scratch until the last block. An item is a few panels of outputs for a part of the rows.
/// An element of y is the sum of its blocks of <see cref="PackedRows{TOps, TV}.BlockInputs"/> inputs in order, each summed in order: it
/// depends on its own row, on nothing else in the call.
/// </summary>
internal readonly unsafe struct TiledLinear<TOps, TV, TW>(LinearCall call, PackedRows<TOps, TV> x, LinearPlan plan) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
    where TW : struct, IElements
{
    private static int BlockInputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => PackedRows<TOps, TV>.BlockInputs;
    }

    /// <summary>Cache lines of a block of one output's weights.</summary>
    private static int RowLines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => BlockInputs * TW.Size / Memory.CacheLine;
    }

    /// <summary>Cache lines of a block of a panel's weights.</summary>
    private static int PanelLines
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => PanelOutputs * RowLines;
    }

    private static int PanelOutputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MicroKernel<TOps, TV>.TileLanes;
    }

    /// <summary>Runs the call on the pool.</summary>
    public static void Run(WorkerPool pool, in LinearCall call)
    {
        for (var row = 0; row < call.Rows; row += LinearPlan.ChunkRows)
        {
            var chunk = call;
            chunk.Rows = Math.Min(LinearPlan.ChunkRows, call.Rows - row);
            chunk.X += (long)row * call.Inputs;
            chunk.Y += (long)row * call.Outputs;
            PackedRows<TOps, TV> packed = default;
            if (chunk.Inputs > BlockInputs)
            {
                packed = new PackedRows<TOps, TV>(chunk.X, chunk.Rows, chunk.Inputs);
                pool.Run(ref packed, packed.Groups);
            }
            var groups = (chunk.Rows + PackedRows<TOps, TV>.GroupRows - 1) / PackedRows<TOps, TV>.GroupRows;
            var plan = LinearPlan.For(
                pool.Threads, (chunk.Outputs + PanelOutputs - 1) / PanelOutputs, groups, PackedRows<TOps, TV>.GroupRows);
            var job = new TiledLinear<TOps, TV, TW>(chunk, packed, plan);
            pool.Run(ref job, plan.Items);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var (firstPanel, endPanel, firstGroup, endGroup) = plan.Item(item);
        // Sums of several blocks are kept until the last one; those of one block are finished tile by tile.
        var kept = call.Inputs > BlockInputs;
        var panelSums = (kept ? (endGroup - firstGroup) * PackedRows<TOps, TV>.GroupRows : TOps.TileRows) * PanelOutputs;
        var carver = new Carver(Scratch.Take(ScratchUse.Item, ScratchBytes((endPanel - firstPanel) * panelSums)));
        var panel = carver.Take<float>(BlockInputs * PanelOutputs);
        var square = carver.Take<float>(TOps.Count * TOps.Count);
        var columns = (float**)carver.Take<nint>(BlockInputs);
        var sums = carver.Take<float>((endPanel - firstPanel) * panelSums);
        for (var input = 0; input < call.Inputs; input += BlockInputs)
        {
            var inputs = Math.Min(BlockInputs, call.Inputs - input);
            if (kept)
            {
                x.Columns(input, inputs, columns);
            }
            for (var p = firstPanel; p < endPanel; p++)
            {
                Pack(p * PanelOutputs, input, inputs, panel, square);
                var next = p + 1 < endPanel ? Weights((p + 1) * PanelOutputs, input) : Weights(firstPanel * PanelOutputs, input + BlockInputs);
                Multiply(p * PanelOutputs, input, inputs, firstGroup, endGroup, columns, panel, sums + (p - firstPanel) * panelSums, next);
            }
        }
    }

    private static long ScratchBytes(int sums) => Carver.Bytes<float>(BlockInputs * PanelOutputs)
        + Carver.Bytes<float>(TOps.Count * TOps.Count) + Carver.Bytes<nint>(BlockInputs) + Carver.Bytes<float>(sums);

    private byte* Weights(int output, int input) => call.W + ((long)output * call.Inputs + input) * TW.Size;

    /// <summary>panel[input, output] = w[output, input], zero beyond the last output.</summary>
    private void Pack(int output, int input, int inputs, float* panel, float* square)
    {
        if (typeof(TW) == typeof(Int8Elements))
        {
            Int8Panel<TOps, TV>.Pack(call, output, input, inputs, panel, square);
            return;
        }
        var stride = (long)call.Inputs * TW.Size;
        for (var lane = 0; lane < PanelOutputs; lane += TOps.Count)
        {
            var present = Math.Clamp(call.Outputs - output - lane, 0, TOps.Count);
            var rows = Weights(output + lane, input);
            // Rows are read as if they held float32, so they have to be a whole number of these apart.
            var packed = present == TOps.Count && stride % sizeof(float) == 0 ? PackSquares(rows, inputs, panel + lane, square) : 0;
            for (var p = packed; p < inputs; p++)
            {
                for (var r = 0; r < TOps.Count; r++)
                {
                    panel[p * PanelOutputs + lane + r] = r < present ? TW.One(rows + r * stride + p * TW.Size) : 0;
                }
            }
        }
    }

    /// <summary>
    /// panel[p, r] = w[r, p] for a vector of outputs and as many whole squares of inputs as there are, whose number is returned. A square
    /// has a vector of float32 or of pairs of 16-bit numbers from each row; pairs are widened after they were transposed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int PackSquares(byte* rows, int inputs, float* panel, float* square)
    {
        var stride = (nint)call.Inputs * TW.Size;
        var width = TOps.Count * sizeof(float) / TW.Size;
        var p = 0;
        for (; p <= inputs - width; p += width)
        {
            var source = rows + p * TW.Size;
            var target = panel + p * PanelOutputs;
            if (TW.Size == sizeof(float))
            {
                TOps.Transpose((float*)source, stride / sizeof(float), target, PanelOutputs);
                continue;
            }
            TOps.Transpose((float*)source, stride / sizeof(float), square, TOps.Count);
            for (var i = 0; i < TOps.Count; i++, target += 2 * PanelOutputs)
            {
                var pairs = TOps.Load(square + i * TOps.Count);
                TOps.Store(TW.First<TOps, TV>(pairs), target);
                TOps.Store(TW.Second<TOps, TV>(pairs), target + PanelOutputs);
            }
        }
        return p;
    }

    /// <summary>
    /// sums[row, lane] += x[row, input ..] panel[.., lane] for the groups of rows; behind the last block they go to y. Meanwhile the weights
    /// that are packed next, at <paramref name="next"/>, are asked for.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(
        int output, int input, int inputs, int firstGroup, int endGroup, float** columns, float* panel, float* sums,
        byte* next)
    {
        var last = input + inputs == call.Inputs;
        var outputs = Math.Min(PanelOutputs, call.Outputs - output);
        var third = outputs > 2 * TOps.Count;
        var tiles = (endGroup - firstGroup) * PackedRows<TOps, TV>.GroupRows / TOps.TileRows;
        var lines = (PanelLines + tiles - 1) / tiles;
        var line = 0;
        var kept = call.Inputs > BlockInputs;
        var rows = stackalloc float*[TOps.TileRows];
        for (var group = firstGroup; group < endGroup; group++)
        {
            for (var r = 0; r < PackedRows<TOps, TV>.GroupRows; r += TOps.TileRows, sums += kept ? TOps.TileRows * PanelOutputs : 0)
            {
                var row = group * PackedRows<TOps, TV>.GroupRows + r;
                var present = Math.Min(TOps.TileRows, call.Rows - row);
                if (present <= 0)
                {
                    return;
                }
                for (var end = Math.Min(line + lines, PanelLines); line < end; line++)
                {
                    Memory.Prefetch(next + (line / RowLines * (nint)call.Inputs * TW.Size) + line % RowLines * Memory.CacheLine);
                }
                if (kept)
                {
                    var place = (nint)group * PackedRows<TOps, TV>.GroupRows * inputs;
                    var nextGroup = (nint)PackedRows<TOps, TV>.GroupRows * inputs;
                    MicroKernel<TOps, TV>.Columns(columns, place + r, nextGroup, panel, inputs, sums, PanelOutputs, input > 0, third);
                }
                else
                {
                    for (var t = 0; t < TOps.TileRows; t++)
                    {
                        // Rows beyond the last one repeat it; nobody reads their sums.
                        rows[t] = call.X + (long)(row + Math.Min(t, present - 1)) * call.Inputs;
                    }
                    MicroKernel<TOps, TV>.Rows(rows, panel, inputs, sums, PanelOutputs, false, third);
                }
                if (last)
                {
                    Finish(row, present, output, outputs, sums);
                }
            }
        }
    }

    /// <summary>y = scale * sums + bias, or the same added to y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(int row, int rows, int output, int outputs, float* sums)
    {
        var scale = TOps.Broadcast(call.Scale);
        var vectors = outputs / TOps.Count * TOps.Count;
        for (var r = 0; r < rows; r++, sums += PanelOutputs)
        {
            var y = call.Y + (long)(row + r) * call.Outputs + output;
            for (var o = 0; o < vectors; o += TOps.Count)
            {
                var value = TOps.Multiply(scale, TOps.Load(sums + o));
                value = call.Bias == null ? value : TOps.Add(value, TOps.Load(call.Bias + output + o));
                TOps.Store(call.Accumulate ? TOps.Add(TOps.Load(y + o), value) : value, y + o);
            }
            for (var o = vectors; o < outputs; o++)
            {
                var value = call.Scale * sums[o] + (call.Bias == null ? 0 : call.Bias[output + o]);
                y[o] = call.Accumulate ? y[o] + value : value;
            }
        }
    }
}
