using System.Numerics;
using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>Products and sums of long vectors of float32 or float64, over the widest vectors of the process; sums in a fixed order.</summary>
internal static unsafe class LongVectors<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Sum of a[i] b[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Dot(T* a, T* b, int n)
    {
        // Four sums, so that additions do not wait for each other.
        var (s0, s1, s2, s3) = (Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero);
        var lanes = Vector<T>.Count;
        var i = 0;
        for (; i <= n - 4 * lanes; i += 4 * lanes)
        {
            s0 += Vector.Load(a + i) * Vector.Load(b + i);
            s1 += Vector.Load(a + i + lanes) * Vector.Load(b + i + lanes);
            s2 += Vector.Load(a + i + 2 * lanes) * Vector.Load(b + i + 2 * lanes);
            s3 += Vector.Load(a + i + 3 * lanes) * Vector.Load(b + i + 3 * lanes);
        }
        for (; i <= n - lanes; i += lanes)
        {
            s0 += Vector.Load(a + i) * Vector.Load(b + i);
        }
        var sum = Vector.Sum(s0 + s1 + (s2 + s3));
        for (; i < n; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /// <summary>y -= factor * x.</summary>
    public static void SubtractScaled(T* x, T factor, T* y, int n)
    {
        var i = 0;
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count)
        {
            (Vector.Load(y + i) - Vector.Load(x + i) * factor).Store(y + i);
        }
        for (; i < n; i++)
        {
            y[i] -= x[i] * factor;
        }
    }
}

/// <summary>y[r] = row r of a matrix times x, some rows an item.</summary>
internal readonly unsafe struct RowDotsJob<T>(T* matrix, int rowCount, int n, T* x, T* y, int rows) : IJob
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int item)
    {
        for (var r = item * rows; r < Math.Min(rowCount, (item + 1) * rows); r++)
        {
            y[r] = LongVectors<T>.Dot(matrix + (long)r * n, x, n);
        }
    }
}

/// <summary>y -= the rows of a matrix, each times its factor; some columns an item.</summary>
internal readonly unsafe struct SubtractRowsJob<T>(T* matrix, int rowCount, int n, T* factors, T* y) : IJob
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Columns of an item: they stay in the nearest cache.</summary>
    public const int Columns = 1024;

    public void Run(int item)
    {
        var first = item * Columns;
        for (var r = 0; r < rowCount; r++)
        {
            LongVectors<T>.SubtractScaled(matrix + (long)r * n + first, factors[r], y + first, Math.Min(Columns, n - first));
        }
    }
}
