using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// The rows of x as register tiles read them: for every block of inputs, groups of rows, in each the inputs one after another with the
/// group's rows beside each other; zero beyond the last row. An item of the job lays out one group.
/// </summary>
internal readonly unsafe struct PackedRows<TOps, TV> : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    private readonly float* _x;      // [rows, inputs]
    private readonly float* _packed; // blocks of [groups, inputs of the block, GroupRows]
    private readonly int _rows;
    private readonly int _inputs;

    /// <summary>Takes the room in the calling thread's scratch, valid until its next many-row product.</summary>
    public PackedRows(float* x, int rows, int inputs)
    {
        _x = x;
        (_rows, _inputs) = (rows, inputs);
        _packed = (float*)Scratch.Take(ScratchUse.Rows, (long)Groups * GroupRows * inputs * sizeof(float));
    }

    /// <summary>
    /// Inputs of a block: a packed panel of weights then has at most 24 KiB, and stays in the first-level cache beside the rows and sums
    /// that pass by.
    /// </summary>
    public static int BlockInputs
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Math.Min(256, 2048 / TOps.Count);
    }

    /// <summary>Rows beside each other: a whole number of register tiles, and of squares that are transposed.</summary>
    public static int GroupRows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Math.Max(TOps.Count, TOps.TileRows);
    }

    /// <summary>Groups of rows.</summary>
    public int Groups => (_rows + GroupRows - 1) / GroupRows;

    /// <summary>columns[p] = where input + p of the first group's rows lies; group g's is g * GroupRows * inputs further.</summary>
    public void Columns(int input, int inputs, float** columns)
    {
        var block = _packed + (long)Groups * GroupRows * input;
        for (var p = 0; p < inputs; p++)
        {
            columns[p] = block + (long)p * GroupRows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        for (var input = 0; input < _inputs; input += BlockInputs)
        {
            var inputs = Math.Min(BlockInputs, _inputs - input);
            var to = _packed + (long)Groups * GroupRows * input + (long)item * GroupRows * inputs;
            for (var r = 0; r < GroupRows; r += TOps.Count)
            {
                Pack(item * GroupRows + r, input, inputs, to + r);
            }
        }
    }

    /// <summary>to[p * GroupRows + r] = x[row + r, input + p] for a square's worth of rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pack(int row, int input, int inputs, float* to)
    {
        var from = _x + (long)row * _inputs + input;
        var vectors = row + TOps.Count <= _rows ? inputs / TOps.Count * TOps.Count : 0;
        for (var p = 0; p < vectors; p += TOps.Count)
        {
            TOps.Transpose(from + p, _inputs, to + (long)p * GroupRows, GroupRows);
        }
        for (var r = 0; r < TOps.Count; r++)
        {
            for (var p = vectors; p < inputs; p++)
            {
                to[(long)p * GroupRows + r] = row + r < _rows ? from[(long)r * _inputs + p] : 0;
            }
        }
    }
}
