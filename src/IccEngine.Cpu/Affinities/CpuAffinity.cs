using System.Numerics;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>The operations on affinities, for matrices of float32 and float64 alike; arguments are checked by the backend.</summary>
internal static unsafe class CpuAffinity
{
    /// <summary>Where a pass leaves this part of the square of a vector or more, it leaves no rounding worth a second pass (Parlett 1980, 6.9).</summary>
    private const double EnoughLeft = 0.25;

    public static void Add(WorkerPool pool, Tensor pooled, int* order, Tensor sums, AffinityForm form)
    {
        if (sums.DType == DType.F32)
        {
            Add<float, float>(pool, pooled, order, sums, form);
        }
        else if (pooled.DType == DType.F32)
        {
            Add<float, double>(pool, pooled, order, sums, form);
        }
        else
        {
            Add<double, double>(pool, pooled, order, sums, form);
        }
    }

    public static void Mean<T>(WorkerPool pool, Tensor sums, AffinityForm form) where T : unmanaged, IFloatingPointIeee754<T> =>
        Run(pool, new MeanAffinityJob<T>(HostCopy.Address<T>(sums), sums.Shape[0], form.PowerMean), Squares.Of(sums.Shape[0]));

    public static void NeighbourLabels<T>(WorkerPool pool, Tensor affinity, int* labels, int* others)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = affinity.Shape[0];
        var rows = RowsOf(n);
        Run(pool, new NeighbourLabelsJob<T>(HostCopy.Address<T>(affinity), n, labels, others, rows), (n + rows - 1) / rows);
    }

    public static void Normalise<T>(WorkerPool pool, Tensor affinity, Tensor rootDegrees) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = affinity.Shape[0];
        var rows = RowsOf(n);
        Run(pool, new NormaliseAffinityJob<T>(HostCopy.Address<T>(affinity), n, HostCopy.Address<T>(rootDegrees), rows), (n + rows - 1) / rows);
    }

    public static void Product<T>(WorkerPool pool, Tensor a, Tensor x, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = a.Shape[0];
        var parts = SymmetricProductJob<T>.PartsOf(n);
        var target = HostCopy.Address<T>(y);
        var sums = parts == 1 ? target : (T*)Scratch.Take(ScratchUse.Plan, (long)parts * n * sizeof(T));
        Run(pool, new SymmetricProductJob<T>(HostCopy.Address<T>(a), n, HostCopy.Address<T>(x), sums, parts), parts);
        for (var i = 0; parts > 1 && i < n; i++)
        {
            var sum = sums[i];
            for (var p = 1; p < parts; p++)
            {
                sum += sums[(long)p * n + i];
            }
            target[i] = sum;
        }
    }

    public static double Orthonormalise<T>(WorkerPool pool, Tensor basis, Tensor w, Span<double> parts)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (count, n) = (basis.Shape[0], basis.Shape[1]);
        var rows = HostCopy.Address<T>(basis);
        var left = HostCopy.Address<T>(w);
        var factors = (T*)Scratch.Take(ScratchUse.Plan, (long)Math.Max(1, count) * sizeof(T));
        var (square, before) = (LongVectors<T>.Dot(left, left, n), T.Zero);
        for (var pass = 0; pass == 0 || pass == 1 && square < before * T.CreateTruncating(EnoughLeft); pass++)
        {
            RowDots(pool, rows, count, n, left, factors);
            Run(pool, new SubtractRowsJob<T>(rows, count, n, factors, left),
                (n + SubtractRowsJob<T>.Columns - 1) / SubtractRowsJob<T>.Columns);
            for (var r = 0; pass == 0 && r < count; r++)
            {
                parts[r] = double.CreateTruncating(factors[r]);
            }
            (before, square) = (square, LongVectors<T>.Dot(left, left, n));
        }
        var norm = T.Sqrt(square);
        for (var i = 0; i < n && norm > T.Zero; i++)
        {
            left[i] /= norm;
        }
        return double.CreateTruncating(norm);
    }

    private static void Add<TP, T>(WorkerPool pool, Tensor pooled, int* order, Tensor sums, AffinityForm form)
        where TP : unmanaged, IFloatingPointIeee754<TP>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (s, n) = (pooled.Shape[0], sums.Shape[0]);
        for (var side = 0; side < (form.WholeRows ? 2 : 1); side++)
        {
            Run(pool, new AddAffinityJob<TP, T>(HostCopy.Address<TP>(pooled), order, s, HostCopy.Address<T>(sums), n, form, behind: side == 1), s);
        }
    }

    private static void RowDots<T>(WorkerPool pool, T* matrix, int count, int n, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var rows = RowsOf(n);
        Run(pool, new RowDotsJob<T>(matrix, count, n, x, y, rows), (count + rows - 1) / rows);
    }

    /// <summary>Rows of an item, so that it is worth a thread.</summary>
    private static int RowsOf(int n) => Math.Max(1, Chunks.Elements / Math.Max(1, n));

    private static void Run<TJob>(WorkerPool pool, TJob job, int items) where TJob : struct, IJob => pool.Run(ref job, items);
}
