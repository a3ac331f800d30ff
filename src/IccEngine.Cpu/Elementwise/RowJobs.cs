using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>y = weight * x / sqrt(mean(x^2) + eps), a few rows an item.</summary>
internal readonly unsafe struct RmsNormJob<TOps, TV>(float* x, float* weight, float eps, float* y, int rows, int n) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    private int RowsPerItem => Math.Max(1, Chunks.Elements / n);

    public static void Run(WorkerPool pool, float* x, float* weight, float eps, float* y, int rows, int n)
    {
        var job = new RmsNormJob<TOps, TV>(x, weight, eps, y, rows, n);
        pool.Run(ref job, (rows + job.RowsPerItem - 1) / job.RowsPerItem);
    }

    public void Run(int item)
    {
        var end = Math.Min((item + 1) * RowsPerItem, rows);
        for (var row = item * RowsPerItem; row < end; row++)
        {
            Row(x + (long)row * n, y + (long)row * n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(float* source, float* destination)
    {
        // Long rows are summed in pieces: a chain of thousands of float32 additions would lose digits.
        const int piece = 1024;
        var squares = 0.0;
        for (var start = 0; start < n; start += piece)
        {
            squares += VectorMath<TOps, TV>.Dot(source + start, source + start, Math.Min(piece, n - start));
        }
        var inverse = (float)(1 / Math.Sqrt(squares / n + eps));
        var factor = TOps.Broadcast(inverse);
        var i = 0;
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            TOps.Store(TOps.Multiply(TOps.Multiply(TOps.Load(source + i), factor), TOps.Load(weight + i)), destination + i);
        }
        for (; i < n; i++)
        {
            destination[i] = source[i] * inverse * weight[i];
        }
    }
}

/// <summary>y[t] = table[ids[t]], a row an item.</summary>
internal readonly unsafe struct EmbedJob<TOps, TV, TW>(byte* table, int* ids, float* y, int hidden) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
    where TW : struct, IElements
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var source = table + (long)ids[item] * hidden * TW.Size;
        var destination = y + (long)item * hidden;
        nint i = 0;
        for (; i <= hidden - TOps.Count; i += TOps.Count)
        {
            TOps.Store(TW.Load<TOps, TV>(source + i * TW.Size), destination + i);
        }
        for (; i < hidden; i++)
        {
            destination[i] = TW.One(source + i * TW.Size);
        }
    }
}

/// <summary>The largest element of a part of a row and where it is; the parts of a row are compared by the caller.</summary>
internal readonly unsafe struct ArgMaxJob<TOps, TV>(float* logits, int vocabulary, int partsPerRow, int* best) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Elements of a part.</summary>
    public const int Part = 1 << 14;

    private const int Block = 256;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var (row, start) = (item / partsPerRow, item % partsPerRow * Part);
        var x = logits + (long)row * vocabulary;
        var end = Math.Min(start + Part, vocabulary);
        var (max, at) = (float.NegativeInfinity, start);
        for (var block = start; block < end; block += Block)
        {
            var largest = VectorMath<TOps, TV>.Largest(x + block, Math.Min(Block, end - block));
            (max, at) = largest > max ? (largest, block) : (max, at);
        }
        // Where a whole part is minus infinity or NaN its first element stands for it.
        var i = max == float.NegativeInfinity ? end : at;
        while (i < Math.Min(at + Block, end) && x[i] != max)
        {
            i++;
        }
        best[item] = i < Math.Min(at + Block, end) ? i : start;
    }
}
