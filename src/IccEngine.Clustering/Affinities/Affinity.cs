using System.Numerics;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>From attention between points to the weights of a graph on them.</summary>
public static class Affinity
{
    /// <summary>
    /// The affinity of the paper "In-Context Clustering with Large Language Models". Of the pooled attention only the strict lower
    /// triangle is read (what lies on or above the diagonal is ignored, whatever it is): row j is divided by (its sum + 1e-7) and
    /// multiplied by j (0-based), so that an entry is the attention relative to looking at all earlier points alike; the result is
    /// mirrored, its diagonal zero. The arithmetic runs in <typeparamref name="T"/>, float32 being what the paper's code uses; only
    /// the sum of a row is taken in double precision and rounded once.
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="pooled">Mean attention from point j (row) to point i (column), [n, n] row-major.</param>
    /// <param name="n">Number of points, at least 1.</param>
    /// <param name="affinity">Receives the symmetric affinity, [n, n] row-major; may be the same memory as <paramref name="pooled"/>.</param>
    /// <exception cref="IccArgumentException">No point, lengths that do not match, or an entry below the diagonal that is not finite.</exception>
    public static void Paper<T>(ReadOnlySpan<T> pooled, int n, Span<T> affinity) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check.SquareLength(pooled.Length, n, "pooled attention");
        Check.Length(affinity.Length, pooled.Length, "affinity");
        var guard = T.CreateChecked(1e-7);
        for (var j = 0; j < n; j++)
        {
            var row = pooled.Slice(j * n, j);
            var denominator = RowSum(row, j) + guard;
            var position = T.CreateChecked(j);
            for (var i = 0; i < j; i++)
            {
                var value = row[i] / denominator * position;
                if (!T.IsFinite(value))
                {
                    throw new IccArgumentException($"pooled attention, row {j}: found a sum of {Check.Text(denominator)}, expected one "
                        + "that its entries can be divided by");
                }
                affinity[j * n + i] = value;
            }
        }
        // Mirrored afterwards, so that a matrix can be replaced where it lies.
        for (var j = 0; j < n; j++)
        {
            affinity[j * n + j] = T.Zero;
            for (var i = 0; i < j; i++)
            {
                affinity[i * n + j] = affinity[j * n + i];
            }
        }
    }

    private static T RowSum<T>(ReadOnlySpan<T> row, int j) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var sum = 0.0;
        for (var i = 0; i < row.Length; i++)
        {
            if (!T.IsFinite(row[i]))
            {
                throw new IccArgumentException($"pooled attention, row {j}, column {i}: found {Check.Text(row[i])}, expected a finite number");
            }
            sum += double.CreateChecked(row[i]);
        }
        return T.CreateChecked(sum);
    }
}
