namespace IccEngine.Clustering;

/// <summary>How unlike two of n points are: symmetric, 0 for a point and itself. A generic argument, so that no call is made through it.</summary>
internal interface IDissimilarities
{
    /// <summary>Number of points.</summary>
    int N { get; }

    /// <summary>The dissimilarity of points <paramref name="i"/> and <paramref name="j"/>, 0 or more.</summary>
    double Between(int i, int j);
}

/// <summary>Euclidean distances between points x [n, d], each computed when it is asked for: no memory, however many points.</summary>
internal readonly record struct PointDistances(double[] X, int N, int D) : IDissimilarities
{
    /// <inheritdoc/>
    public double Between(int i, int j) => Math.Sqrt(Vectors.SquaredDistance(X.AsSpan(i * D, D), X.AsSpan(j * D, D)));
}
