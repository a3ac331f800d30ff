using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace IccEngine.Cpu;

/// <summary>
/// The product with a symmetric matrix, of which little more than the lower triangle is read: memory is what limits it, and an element serves its own
/// row and its mirror image. An item is a run of rows of equal area and has sums of its own, so that the order of additions depends on the
/// size alone.
/// </summary>
internal readonly unsafe struct SymmetricProductJob<T>(T* matrix, int n, T* x, T* sums, int parts) : IJob
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Rows that share the loads and stores of the mirrored sums.</summary>
    private const int Rows = 4;

    /// <summary>Elements of the triangle below which a further part costs more than it brings.</summary>
    private const long WorthAPart = 1 << 16;

    private const int MostParts = 16;

    /// <summary>How far ahead each row is asked for.</summary>
    private const int AheadBytes = 1024;

    /// <summary>Parts of a product of size <paramref name="n"/>.</summary>
    public static int PartsOf(int n) => (int)Math.Clamp((long)n * n / 2 / WorthAPart, 1, MostParts);

    /// <summary>sums [parts, n]: row <paramref name="item"/> becomes the part's share of the product.</summary>
    public void Run(int item)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Run<Vector512<T>, Lanes512<T>>(item);
        }
        else
        {
            Run<Vector<T>, Lanes<T>>(item);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run<TV, TLanes>(int item)
        where TV : unmanaged
        where TLanes : struct, ILanes<T, TV>
    {
        var y = sums + (long)item * n;
        var (first, end) = (FirstRow(item), FirstRow(item + 1));
        new Span<T>(y, n).Clear();
        var row = first;
        for (; row <= end - Rows; row += Rows)
        {
            FourRows<TV, TLanes>(row, y);
        }
        for (; row < end; row++)
        {
            OneRow(row, Block(TLanes.Count), y);
        }
    }

    /// <summary>Rows of a part: the area above row r grows with its square.</summary>
    private int FirstRow(int part) => part == parts ? n : (int)(n * Math.Sqrt((double)part / parts)) / Rows * Rows;

    /// <summary>
    /// Side of the squares on the diagonal. An element left of its row's square serves two rows, one in it its own: so no row ends within a vector.
    /// </summary>
    private static int Block(int lanes) => Math.Max(lanes, Rows);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FourRows<TV, TLanes>(int row, T* y)
        where TV : unmanaged
        where TLanes : struct, ILanes<T, TV>
    {
        var a0 = matrix + (long)row * n;
        var a1 = a0 + n;
        var a2 = a1 + n;
        var a3 = a2 + n;
        var (x0, x1) = (TLanes.Broadcast(x[row]), TLanes.Broadcast(x[row + 1]));
        var (x2, x3) = (TLanes.Broadcast(x[row + 2]), TLanes.Broadcast(x[row + 3]));
        var (s0, s1, s2, s3) = (default(TV), default(TV), default(TV), default(TV));
        var square = row / Block(TLanes.Count) * Block(TLanes.Count);
        var j = 0;
        for (; j < square; j += TLanes.Count)
        {
            Memory.Prefetch((byte*)(a0 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a1 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a2 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a3 + j) + AheadBytes);
            var (v, mirrored) = (TLanes.Load(x + j), TLanes.Load(y + j));
            var a = TLanes.Load(a0 + j);
            s0 = TLanes.MultiplyAdd(a, v, s0);
            mirrored = TLanes.MultiplyAdd(a, x0, mirrored);
            a = TLanes.Load(a1 + j);
            s1 = TLanes.MultiplyAdd(a, v, s1);
            mirrored = TLanes.MultiplyAdd(a, x1, mirrored);
            a = TLanes.Load(a2 + j);
            s2 = TLanes.MultiplyAdd(a, v, s2);
            mirrored = TLanes.MultiplyAdd(a, x2, mirrored);
            a = TLanes.Load(a3 + j);
            s3 = TLanes.MultiplyAdd(a, v, s3);
            mirrored = TLanes.MultiplyAdd(a, x3, mirrored);
            TLanes.Store(mirrored, y + j);
        }
        for (; j <= Math.Min(square + Block(TLanes.Count), n) - TLanes.Count; j += TLanes.Count)
        {
            var v = TLanes.Load(x + j);
            s0 = TLanes.MultiplyAdd(TLanes.Load(a0 + j), v, s0);
            s1 = TLanes.MultiplyAdd(TLanes.Load(a1 + j), v, s1);
            s2 = TLanes.MultiplyAdd(TLanes.Load(a2 + j), v, s2);
            s3 = TLanes.MultiplyAdd(TLanes.Load(a3 + j), v, s3);
        }
        y[row] += TLanes.Sum(s0);
        y[row + 1] += TLanes.Sum(s1);
        y[row + 2] += TLanes.Sum(s2);
        y[row + 3] += TLanes.Sum(s3);
        for (; j < Math.Min(square + Block(TLanes.Count), n); j++)
        {
            y[row] += a0[j] * x[j];
            y[row + 1] += a1[j] * x[j];
            y[row + 2] += a2[j] * x[j];
            y[row + 3] += a3[j] * x[j];
        }
    }

    /// <summary>One of the last rows.</summary>
    private void OneRow(int row, int block, T* y)
    {
        var a = matrix + (long)row * n;
        var square = row / block * block;
        var sum = T.Zero;
        for (var j = 0; j < square; j++)
        {
            sum += a[j] * x[j];
            y[j] += a[j] * x[row];
        }
        for (var j = square; j < Math.Min(square + block, n); j++)
        {
            sum += a[j] * x[j];
        }
        y[row] += sum;
    }
}
