using System.Numerics;

namespace IccEngine.Clustering;

/// <summary>One descent of k-means.</summary>
internal sealed record KMeansRun(int[] Labels, double[] Centers, double Inertia, int NIter);

/// <summary>Checked points [n, d] and weights [n] of a k-means problem.</summary>
internal sealed record KMeansProblem(double[] X, int N, int D, int K, double[] Weights)
{
    /// <summary>[d, n]: the points column by column, so that a vector holds several of them.</summary>
    private readonly double[] _columns = Transposed(X, N, D);

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

    /// <summary>The nearest of centres [k, d], the first of several, with its squared distance.</summary>
    public (int Index, double Squared) Nearest(int i, ReadOnlySpan<double> centers)
    {
        var (best, least) = (0, double.PositiveInfinity);
        for (var c = 0; c < K; c++)
        {
            var squared = Vectors.SquaredDistance(Point(i), centers.Slice(c * D, D));
            if (squared < least)
            {
                (best, least) = (c, squared);
            }
        }
        return (best, least);
    }

    /// <summary>Of every point the nearest of centres [k, d], the first of several, with its squared distance.</summary>
    public void Nearest(ReadOnlySpan<double> centers, Span<int> labels, Span<double> squared)
    {
        var lanes = Vector<double>.Count;
        var i = 0;
        for (; i <= N - lanes; i += lanes)
        {
            var (best, least) = (Vector<long>.Zero, new Vector<double>(double.PositiveInfinity));
            for (var c = 0; c < K; c++)
            {
                var sum = Vector<double>.Zero;
                for (var j = 0; j < D; j++)
                {
                    var difference = new Vector<double>(_columns, j * N + i) - new Vector<double>(centers[c * D + j]);
                    sum += difference * difference;
                }
                var nearer = Vector.LessThan(sum, least);
                (best, least) = (Vector.ConditionalSelect(nearer, new Vector<long>(c), best), Vector.ConditionalSelect(nearer, sum, least));
            }
            least.CopyTo(squared[i..]);
            for (var lane = 0; lane < lanes; lane++)
            {
                labels[i + lane] = (int)best[lane];
            }
        }
        for (; i < N; i++)
        {
            (labels[i], squared[i]) = Nearest(i, centers);
        }
    }

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
