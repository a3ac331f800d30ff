namespace IccEngine.Clustering;

/// <summary>One descent of k-means.</summary>
internal sealed record KMeansRun(int[] Labels, double[] Centers, double Inertia, int NIter);

/// <summary>Checked points [n, d] and weights [n] of a k-means problem.</summary>
internal sealed record KMeansProblem(double[] X, int N, int D, int K, double[] Weights)
{
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
}
