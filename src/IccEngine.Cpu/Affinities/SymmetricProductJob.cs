using System.Numerics;
using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// The product with a symmetric matrix, of which only the lower triangle is read: memory is what limits it, and an element serves its own
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var y = sums + (long)item * n;
        var (first, end) = (FirstRow(item), FirstRow(item + 1));
        new Span<T>(y, n).Clear();
        var row = first;
        for (; row <= end - Rows; row += Rows)
        {
            FourRows(row, y);
        }
        for (; row < end; row++)
        {
            OneRow(row, 0, y);
        }
    }

    /// <summary>Rows of a part: the area above row r grows with its square.</summary>
    private int FirstRow(int part) => part == parts ? n : (int)(n * Math.Sqrt((double)part / parts)) / Rows * Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FourRows(int row, T* y)
    {
        var a0 = matrix + (long)row * n;
        var a1 = a0 + n;
        var a2 = a1 + n;
        var a3 = a2 + n;
        var (x0, x1) = (new Vector<T>(x[row]), new Vector<T>(x[row + 1]));
        var (x2, x3) = (new Vector<T>(x[row + 2]), new Vector<T>(x[row + 3]));
        var (s0, s1, s2, s3) = (Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero, Vector<T>.Zero);
        var vectors = row / Vector<T>.Count * Vector<T>.Count;
        for (var j = 0; j < vectors; j += Vector<T>.Count)
        {
            Memory.Prefetch((byte*)(a0 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a1 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a2 + j) + AheadBytes);
            Memory.Prefetch((byte*)(a3 + j) + AheadBytes);
            var (v, mirrored) = (Vector.Load(x + j), Vector.Load(y + j));
            var a = Vector.Load(a0 + j);
            s0 += a * v;
            mirrored += a * x0;
            a = Vector.Load(a1 + j);
            s1 += a * v;
            mirrored += a * x1;
            a = Vector.Load(a2 + j);
            s2 += a * v;
            mirrored += a * x2;
            a = Vector.Load(a3 + j);
            s3 += a * v;
            mirrored += a * x3;
            mirrored.Store(y + j);
        }
        y[row] += Vector.Sum(s0);
        y[row + 1] += Vector.Sum(s1);
        y[row + 2] += Vector.Sum(s2);
        y[row + 3] += Vector.Sum(s3);
        for (var r = 0; r < Rows; r++)
        {
            OneRow(row + r, vectors, y);
        }
    }

    /// <summary>A row from a column to its diagonal.</summary>
    private void OneRow(int row, int from, T* y)
    {
        var a = matrix + (long)row * n;
        var sum = T.Zero;
        for (var j = from; j < row; j++)
        {
            sum += a[j] * x[j];
            y[j] += a[j] * x[row];
        }
        y[row] += sum + a[row] * x[row];
    }
}
