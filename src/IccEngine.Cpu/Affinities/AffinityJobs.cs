using System.Numerics;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// Adds one row of pooled attention to the sums over prompts: what stands before the diagonal, or behind it. No two rows share a pair on one
/// side of the diagonal.
/// </summary>
internal readonly unsafe struct AddAffinityJob<TP, T>(TP* pooled, int* order, int s, T* sums, int n, AffinityForm form, bool behind) : IJob
    where TP : unmanaged, IFloatingPointIeee754<TP>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int j)
    {
        var row = pooled + (long)j * s;
        var sum = Sum(row, 0, j) + (form.WholeRows ? Sum(row, j + 1, s) : 0);
        var denominator = form.Absolute ? T.One : T.CreateTruncating(sum) + T.CreateTruncating(1e-7);
        var others = form.Absolute ? T.One : T.CreateTruncating(form.WholeRows ? s - 1 : j);
        for (var i = behind ? j + 1 : 0; i < (behind ? s : j); i++)
        {
            var (high, low) = (Math.Max(order[i], order[j]), Math.Min(order[i], order[j]));
            var entry = T.CreateTruncating(row[i]) / denominator * others;
            sums[(long)high * n + low] += form.PowerMean ? T.Sqrt(T.Sqrt(entry)) : entry;
            sums[(long)low * n + high] += T.One;
        }
    }

    private static double Sum(TP* row, int from, int to)
    {
        var sum = 0.0;
        for (var i = from; i < to; i++)
        {
            sum += double.CreateTruncating(row[i]);
        }
        return sum;
    }
}

/// <summary>The squares that a matrix is walked through in, so that a row and its mirrored column are in the cache together.</summary>
internal static class Squares
{
    public const int Side = 32;

    /// <summary>Rows of squares.</summary>
    public static int Of(int n) => (n + Side - 1) / Side;
}

/// <summary>Sums below the diagonal and counts above become means on both sides; an item is a row of squares and its mirrored column.</summary>
internal readonly unsafe struct MeanAffinityJob<T>(T* a, int n, bool power) : IJob where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int item)
    {
        var (first, last) = (item * Squares.Side, Math.Min(n, (item + 1) * Squares.Side));
        for (var left = 0; left < last; left += Squares.Side)
        {
            for (long i = first; i < last; i++)
            {
                for (long j = left; j < Math.Min(i, left + Squares.Side); j++)
                {
                    var meetings = a[j * n + i];
                    var mean = meetings == T.Zero ? T.Zero : a[i * n + j] / meetings;
                    mean = power ? mean * mean * (mean * mean) : mean;
                    (a[i * n + j], a[j * n + i]) = (mean, mean);
                }
            }
        }
        for (long i = first; i < last; i++)
        {
            a[i * n + i] = T.Zero;
        }
    }
}

/// <summary>The smallest label unlike its own among the neighbours of some points.</summary>
internal readonly unsafe struct NeighbourLabelsJob<T>(T* a, int n, int* labels, int* others, int rows) : IJob
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int item)
    {
        for (var i = item * rows; i < Math.Min(n, (item + 1) * rows); i++)
        {
            var row = a + (long)i * n;
            // As unsigned numbers: no label beside it is the largest. Labels count from 0, so that the search may end at the first one possible.
            var (best, first) = (-1, labels[i] == 0 ? 1 : 0);
            for (var j = 0; j < n && best != first; j++)
            {
                if (labels[j] != labels[i] && (uint)labels[j] < (uint)best && row[j] != T.Zero)
                {
                    best = labels[j];
                }
            }
            others[i] = best;
        }
    }
}

/// <summary>Divides rows by the root degrees of their point and of the column's, in one order on both sides of the diagonal.</summary>
internal readonly unsafe struct NormaliseAffinityJob<T>(T* a, int n, T* root, int rows) : IJob where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int item)
    {
        for (var i = item * rows; i < Math.Min(n, (item + 1) * rows); i++)
        {
            var row = a + (long)i * n;
            var own = new Vector<T>(root[i]);
            var j = 0;
            for (; j <= i - Vector<T>.Count; j += Vector<T>.Count)
            {
                (Vector.Load(row + j) / Vector.Load(root + j) / own).Store(row + j);
            }
            for (; j < i; j++)
            {
                row[j] = row[j] / root[j] / root[i];
            }
            for (; j <= n - Vector<T>.Count; j += Vector<T>.Count)
            {
                (Vector.Load(row + j) / own / Vector.Load(root + j)).Store(row + j);
            }
            for (; j < n; j++)
            {
                row[j] = row[j] / root[i] / root[j];
            }
        }
    }
}
