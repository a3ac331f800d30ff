using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The product y = A x with a symmetric matrix that only its owner knows: in memory, sparse, or on a device.</summary>
/// <param name="x">[n], read only.</param>
/// <param name="y">[n], overwritten.</param>
public delegate void SymmetricProduct(ReadOnlySpan<double> x, Span<double> y);

/// <summary>Products with matrices in host memory.</summary>
public static class SymmetricProducts
{
    /// <summary>Below this many entries a product takes less time than waking other threads.</summary>
    private const long ParallelFrom = 1L << 19;

    /// <summary>The product with a dense matrix, row by row; the same bits for any number of threads.</summary>
    /// <param name="a">Symmetric matrix [n, n] row-major; kept, not copied.</param>
    /// <param name="n">Its order.</param>
    /// <param name="nJobs">Threads to use where the matrix is large enough.</param>
    /// <exception cref="IccArgumentException">A length that does not match, or fewer than one thread.</exception>
    public static SymmetricProduct Dense(double[] a, int n, int nJobs = 1)
    {
        Check.SquareLength(a.Length, n, "matrix");
        Check.AtLeast(nJobs, 1, "nJobs");
        if (nJobs == 1 || a.Length < ParallelFrom)
        {
            return (x, y) =>
            {
                for (var i = 0; i < n; i++)
                {
                    y[i] = TensorPrimitives.Dot(a.AsSpan(i * n, n), x);
                }
            };
        }
        var (left, right) = (new double[n], new double[n]);
        return (x, y) =>
        {
            x.CopyTo(left);
            Parallel.For(0, nJobs, new ParallelOptions { MaxDegreeOfParallelism = nJobs }, job =>
            {
                for (var i = (int)((long)n * job / nJobs); i < (int)((long)n * (job + 1) / nJobs); i++)
                {
                    right[i] = TensorPrimitives.Dot<double>(a.AsSpan(i * n, n), left);
                }
            });
            right.CopyTo(y);
        };
    }
}
