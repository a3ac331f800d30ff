using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Affinities of points by their Euclidean distances, as scikit-learn's SpectralClustering makes them, written into a matrix of a backend.</summary>
public static class PointAffinity
{
    /// <summary>Values that lie on the host at a time while a matrix is written.</summary>
    private const int Block = 1 << 20;

    /// <summary>
    /// Weights below this are none. A point that has only such ones would lie at their inverse root in the embedding, out of a double's range in the end.
    /// </summary>
    private const double Negligible = 1e-100;

    /// <summary>exp(-gamma |x - y|^2), affinity="rbf"; the diagonal, which spectral clustering ignores, is 0.</summary>
    /// <param name="backend">Where the matrix is to be; the caller disposes its buffer.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="gamma">Above 0.</param>
    /// <returns>[n, n], F64.</returns>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for the matrix.</exception>
    public static Tensor Rbf(IBackend backend, ReadOnlySpan<double> x, int n, int d, double gamma = 1)
    {
        Check.Points(x, n, d, least: 2);
        if (!(gamma > 0) || !double.IsFinite(gamma))
        {
            throw new IccArgumentException($"gamma: found {Check.Text(gamma)}, expected a finite number above 0");
        }
        var points = x.ToArray();
        return Fill(backend, n, () => (i, row) =>
        {
            for (var j = 0; j < n; j++)
            {
                var weight = j == i ? 0 : Math.Exp(-gamma * Vectors.SquaredDistance(points.AsSpan(i * d, d), points.AsSpan(j * d, d)));
                row[j] = weight < Negligible ? 0 : weight;
            }
        });
    }

    /// <summary>
    /// 1 where two points are among each other's nearest, 1/2 where one is among the other's, affinity="nearest_neighbors"; the diagonal is 0.
    /// </summary>
    /// <param name="backend">Where the matrix is to be; the caller disposes its buffer.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="nNeighbors">Neighbours of a point, itself the first, 1 to n; of equally distant ones those with the smaller index.</param>
    /// <returns>[n, n], F64.</returns>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">There is no room for the matrix.</exception>
    public static Tensor NearestNeighbors(IBackend backend, ReadOnlySpan<double> x, int n, int d, int nNeighbors = 10)
    {
        Check.Points(x, n, d, least: 2);
        Check.Count(nNeighbors, n, "nNeighbors");
        var points = x.ToArray();
        return Fill(backend, n, () =>
        {
            var (neighbours, reached) = (new int[n][], new List<int>[n]);
            var (distances, work) = (new double[n], new double[n]);
            for (var i = 0; i < n; i++)
            {
                neighbours[i] = Nearest(points, n, d, i, nNeighbors, distances, work);
                reached[i] = [];
            }
            for (var i = 0; i < n; i++)
            {
                Array.ForEach(neighbours[i], j => reached[j].Add(i));
            }
            return (i, row) =>
            {
                row.Clear();
                foreach (var j in neighbours[i].Concat(reached[i]))
                {
                    row[j] += 0.5;
                }
                row[i] = 0;
            };
        });
    }

    /// <summary>The nearest points of one, itself among them.</summary>
    private static int[] Nearest(double[] x, int n, int d, int i, int count, double[] distances, double[] work)
    {
        for (var j = 0; j < n; j++)
        {
            distances[j] = Vectors.SquaredDistance(x.AsSpan(i * d, d), x.AsSpan(j * d, d));
        }
        // A point is its own first neighbour, before any duplicate of it.
        distances[i] = -1;
        distances.CopyTo(work, 0);
        var bound = Selection.Smallest(work, count - 1);
        var ties = count - distances.Count(v => v < bound);
        var nearest = new List<int>(count);
        for (var j = 0; j < n; j++)
        {
            if (distances[j] < bound || distances[j] == bound && ties-- > 0)
            {
                nearest.Add(j);
            }
        }
        return [.. nearest];
    }

    private delegate void WriteRow(int i, Span<double> row);

    /// <summary>The matrix is asked for before anything is computed that only serves to fill it.</summary>
    private static Tensor Fill(IBackend backend, int n, Func<WriteRow> prepare)
    {
        var matrix = backend.Allocate(new Shape(n, n), DType.F64);
        try
        {
            var write = prepare();
            var block = new double[Math.Clamp(Block / n, 1, n) * n];
            for (var first = 0; first < n; first += block.Length / n)
            {
                var count = Math.Min(block.Length / n, n - first);
                for (var i = 0; i < count; i++)
                {
                    write(first + i, block.AsSpan(i * n, n));
                }
                backend.Write(block.AsSpan(0, count * n), matrix.Rows(first, count));
            }
            return matrix;
        }
        catch
        {
            matrix.Buffer.Dispose();
            throw;
        }
    }
}
