using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Checked points [n, d] and weights [n] of a k-means problem, and the points once more on the backend, which assigns them.</summary>
internal sealed class KMeansProblem : IDisposable
{
    private readonly IBackend _backend;
    private readonly Tensor _points;  // [d, n]
    private readonly Tensor _centers; // [sets, k, d]

    /// <summary>Hands the points to a backend.</summary>
    /// <param name="backend">What assigns.</param>
    /// <param name="x">[n, d]</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="k">Number of clusters.</param>
    /// <param name="weights">[n]</param>
    /// <param name="sets">Most sets of centres that points are assigned to at a time.</param>
    /// <exception cref="IccMemoryException">The backend has no room for them.</exception>
    public KMeansProblem(IBackend backend, double[] x, int n, int d, int k, double[] weights, int sets)
    {
        (_backend, X, N, D, K, Weights) = (backend, x, n, d, k, weights);
        var room = backend.Allocate(new Shape(checked(n + sets * k), d), DType.F64);
        (_points, _centers) = (room.Rows(0, n).Reshape(new Shape(d, n)), room.Rows(n, sets * k).Reshape(new Shape(sets, k, d)));
        try
        {
            backend.Write(Transposed(x, n, d), _points);
        }
        catch
        {
            room.Buffer.Dispose();
            throw;
        }
    }

    /// <summary>[n, d]</summary>
    public double[] X { get; }

    /// <summary>Number of points.</summary>
    public int N { get; }

    /// <summary>Number of columns.</summary>
    public int D { get; }

    /// <summary>Number of clusters.</summary>
    public int K { get; }

    /// <summary>[n]</summary>
    public double[] Weights { get; }

    /// <summary>Coordinates of a point [d].</summary>
    public ReadOnlySpan<double> Point(int i) => X.AsSpan(i * D, D);

    /// <summary>Mean over the columns of their population variances, unweighted.</summary>
    public double MeanVariance()
    {
        var total = 0.0;
        for (var c = 0; c < D; c++)
        {
            var (mean, squares) = (0.0, 0.0);
            for (var i = 0; i < N; i++)
            {
                mean += X[i * D + c];
            }
            mean /= N;
            for (var i = 0; i < N; i++)
            {
                var difference = X[i * D + c] - mean;
                squares += difference * difference;
            }
            total += squares / N;
        }
        return total / D;
    }

    /// <summary>Of every point the nearest of the centres of each set, the first of several, with its squared distance.</summary>
    /// <param name="centers">[sets, k, d]</param>
    /// <param name="labels">[sets, n]</param>
    /// <param name="squared">[sets, n]</param>
    public void Nearest(ReadOnlySpan<double> centers, Span<int> labels, Span<double> squared)
    {
        var there = _centers.Rows(0, labels.Length / N);
        _backend.Write(centers, there);
        _backend.NearestCentre(_points, there, labels, squared);
    }

    /// <inheritdoc/>
    public void Dispose() => _points.Buffer.Dispose();

    private static double[] Transposed(double[] x, int n, int d)
    {
        var columns = new double[x.Length];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < d; j++)
            {
                columns[j * n + i] = x[i * d + j];
            }
        }
        return columns;
    }
}
