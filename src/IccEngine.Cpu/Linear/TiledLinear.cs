using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>y = scale * (x w^T) + bias, or the same added to y.</summary>
internal unsafe struct LinearCall
{
    /// <summary>[rows, inputs]</summary>
    public float* X;

    /// <summary>[outputs, inputs], in the weight's own type</summary>
    public byte* W;

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
/// The linear layer of many rows: panels of the weight, widened, scaled and transposed into scratch a block of inputs at a time, times
/// the rows of x in register tiles. An item is a few panels of outputs. An element of y is the sum of its blocks of
/// <see cref="BlockInputs"/> inputs in order, each summed in order: it depends on its own row, on nothing else in the call.
/// </summary>
internal readonly unsafe struct TiledLinear<TOps, TV, TW>(LinearCall call, int panelsPerItem) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
    where TW : struct, IElements
{
    /// <summary>Rows of x that pass by a panel before the next block of inputs is packed: their block stays in the second-level cache.</summary>
    private const int ChunkRows = 512;

    /// <summary>Inputs of a packed panel: 24 KiB, half of the first-level cache.</summary>
    private static int BlockInputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2048 / TOps.Count;
    }

    /// <summary>Elements between the rows of widened weights on their way to the panel: a cache line more than they need.</summary>
    private static int StageStride
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => BlockInputs + 16;
    }

    private static int PanelOutputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MicroKernel<TOps, TV>.TileLanes;
    }

    /// <summary>Runs the call on the pool.</summary>
    public static void Run(WorkerPool pool, in LinearCall call)
    {
        var panels = (call.Outputs + PanelOutputs - 1) / PanelOutputs;
        // Panels of one item share the rows' block in the cache; some items for every thread keep the threads evenly busy.
        var perItem = Math.Clamp(panels / (4 * pool.Threads), 1, 4);
        var job = new TiledLinear<TOps, TV, TW>(call, perItem);
        pool.Run(ref job, (panels + perItem - 1) / perItem);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var firstOutput = item * panelsPerItem * PanelOutputs;
        var endOutput = Math.Min(firstOutput + panelsPerItem * PanelOutputs, call.Outputs);
        var carver = new Carver(Scratch.Take(ScratchUse.Item, ScratchBytes()));
        var panel = carver.Take<float>(BlockInputs * PanelOutputs);
        var stage = carver.Take<float>(TOps.Count * StageStride);
        var tile = carver.Take<float>(TOps.TileRows * PanelOutputs);
        for (var row = 0; row < call.Rows; row += ChunkRows)
        {
            var endRow = Math.Min(row + ChunkRows, call.Rows);
            for (var input = 0; input < call.Inputs; input += BlockInputs)
            {
                var inputs = Math.Min(BlockInputs, call.Inputs - input);
                for (var output = firstOutput; output < endOutput; output += PanelOutputs)
                {
                    Pack(output, input, inputs, panel, stage);
                    Multiply(row, endRow, output, input, inputs, panel, tile);
                    if (call.Bias != null && input + inputs == call.Inputs)
                    {
                        AddBias(row, endRow, output);
                    }
                }
            }
        }
    }

    private static long ScratchBytes() => Carver.Bytes<float>(BlockInputs * PanelOutputs)
        + Carver.Bytes<float>(TOps.Count * StageStride) + Carver.Bytes<float>(TOps.TileRows * PanelOutputs);

    /// <summary>panel[input, output] = scale * w[output, input], zero beyond the last output.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(int output, int input, int inputs, float* panel, float* stage)
    {
        var scale = TOps.Broadcast(call.Scale);
        var stride = (long)call.Inputs * TW.Size;
        var vectors = inputs / TOps.Count * TOps.Count;
        for (var lane = 0; lane < PanelOutputs; lane += TOps.Count)
        {
            var present = Math.Clamp(call.Outputs - output - lane, 0, TOps.Count);
            var rows = call.W + (long)(output + lane) * stride + (long)input * TW.Size;
            // Row by row, because rows that lie a power of two apart would push each other out of the cache.
            for (var r = 0; r < TOps.Count; r++)
            {
                var row = rows + r * stride;
                for (var p = 0; p < vectors; p += TOps.Count)
                {
                    Memory.Prefetch(row + (p + BlockInputs) * TW.Size); // the same row's next block
                    var weights = r < present ? TOps.Multiply(scale, TW.Load<TOps, TV>(row + p * TW.Size)) : TOps.Zero;
                    TOps.Store(weights, stage + r * StageStride + p);
                }
            }
            for (var p = 0; p < vectors; p += TOps.Count)
            {
                TOps.Transpose(stage + p, StageStride, panel + p * PanelOutputs + lane, PanelOutputs);
            }
            for (var p = vectors; p < inputs; p++)
            {
                for (var r = 0; r < TOps.Count; r++)
                {
                    panel[p * PanelOutputs + lane + r] = r < present ? call.Scale * TW.One(rows + r * stride + p * TW.Size) : 0;
                }
            }
        }
    }

    private void Multiply(int firstRow, int endRow, int output, int input, int inputs, float* panel, float* tile)
    {
        var add = call.Accumulate || input > 0;
        var outputs = Math.Min(PanelOutputs, call.Outputs - output);
        var rows = stackalloc float*[TOps.TileRows];
        for (var row = firstRow; row < endRow; row += TOps.TileRows)
        {
            var present = Math.Min(TOps.TileRows, endRow - row);
            for (var r = 0; r < TOps.TileRows; r++)
            {
                // Rows beyond the last one repeat it; nobody reads their sums.
                rows[r] = call.X + (long)(row + Math.Min(r, present - 1)) * call.Inputs + input;
            }
            var y = call.Y + (long)row * call.Outputs + output;
            if (present == TOps.TileRows && outputs == PanelOutputs)
            {
                MicroKernel<TOps, TV>.Rows(rows, panel, inputs, y, call.Outputs, add);
                continue;
            }
            MicroKernel<TOps, TV>.Rows(rows, panel, inputs, tile, PanelOutputs, false);
            for (var r = 0; r < present; r++)
            {
                for (var o = 0; o < outputs; o++)
                {
                    var sum = tile[r * PanelOutputs + o];
                    y[(long)r * call.Outputs + o] = add ? y[(long)r * call.Outputs + o] + sum : sum;
                }
            }
        }
    }

    private void AddBias(int firstRow, int endRow, int output)
    {
        var outputs = Math.Min(PanelOutputs, call.Outputs - output);
        for (var row = firstRow; row < endRow; row++)
        {
            VectorMath<TOps, TV>.AddScaled(call.Y + (long)row * call.Outputs + output, call.Bias + output, 1, outputs);
        }
    }
}
