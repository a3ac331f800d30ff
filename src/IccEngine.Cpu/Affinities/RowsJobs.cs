using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace IccEngine.Cpu;

/// <summary>Products and sums of long vectors of float32 or float64, over the widest vectors of the process; sums in a fixed order.</summary>
internal static unsafe class LongVectors<T> where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Sum of a[i] b[i].</summary>
    public static T Dot(T* a, T* b, int n) => Vector512.IsHardwareAccelerated
        ? LongVectors<T, Vector512<T>, Lanes512<T>>.Dot(a, b, n)
        : LongVectors<T, Vector<T>, Lanes<T>>.Dot(a, b, n);

    /// <summary>y += factor * x.</summary>
    public static void AddScaled(T* x, T factor, T* y, int n)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            LongVectors<T, Vector512<T>, Lanes512<T>>.AddScaled(x, factor, y, n);
        }
        else
        {
            LongVectors<T, Vector<T>, Lanes<T>>.AddScaled(x, factor, y, n);
        }
    }
}

/// <summary>The same for one width of vectors.</summary>
internal static unsafe class LongVectors<T, TV, TLanes>
    where T : unmanaged, IFloatingPointIeee754<T>
    where TV : unmanaged
    where TLanes : struct, ILanes<T, TV>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Dot(T* a, T* b, int n)
    {
        // Four sums, so that additions do not wait for each other.
        var (s0, s1, s2, s3) = (default(TV), default(TV), default(TV), default(TV));
        var lanes = TLanes.Count;
        var i = 0;
        for (; i <= n - 4 * lanes; i += 4 * lanes)
        {
            s0 = TLanes.MultiplyAdd(TLanes.Load(a + i), TLanes.Load(b + i), s0);
            s1 = TLanes.MultiplyAdd(TLanes.Load(a + i + lanes), TLanes.Load(b + i + lanes), s1);
            s2 = TLanes.MultiplyAdd(TLanes.Load(a + i + 2 * lanes), TLanes.Load(b + i + 2 * lanes), s2);
            s3 = TLanes.MultiplyAdd(TLanes.Load(a + i + 3 * lanes), TLanes.Load(b + i + 3 * lanes), s3);
        }
        for (; i <= n - lanes; i += lanes)
        {
            s0 = TLanes.MultiplyAdd(TLanes.Load(a + i), TLanes.Load(b + i), s0);
        }
        var sum = TLanes.Sum(TLanes.Add(TLanes.Add(s0, s1), TLanes.Add(s2, s3)));
        for (; i < n; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(T* x, T factor, T* y, int n)
    {
        var by = TLanes.Broadcast(factor);
        var i = 0;
        for (; i <= n - TLanes.Count; i += TLanes.Count)
        {
            TLanes.Store(TLanes.MultiplyAdd(by, TLanes.Load(x + i), TLanes.Load(y + i)), y + i);
        }
        for (; i < n; i++)
        {
            y[i] += x[i] * factor;
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
            LongVectors<T>.AddScaled(matrix + (long)r * n + first, -factors[r], y + first, Math.Min(Columns, n - first));
        }
    }
}
