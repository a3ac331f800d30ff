namespace IccEngine.Clustering;

public sealed partial record KMeansResult
{
    /// <summary>[n]: the nearest centre of new points, the first of several.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public int[] Predict(ReadOnlySpan<double> x, int n) => NearestCenters.Of(x, n, Centers, NClusters);

    /// <summary>Number of centres k.</summary>
    public required int NClusters { get; init; }
}

/// <summary>New points labelled by centres found before.</summary>
internal static class NearestCenters
{
    /// <summary>[n]: the nearest of centres [k, d], the first of several.</summary>
    public static int[] Of(ReadOnlySpan<double> x, int n, double[] centers, int k)
    {
        var d = centers.Length / k;
        Check.Points(x, n, d);
        var labels = new int[n];
        for (var i = 0; i < n; i++)
        {
            labels[i] = Of(x.Slice(i * d, d), centers).Index;
        }
        return labels;
    }

    /// <summary>The nearest of centres [k, d] to a point [d], the first of several, with its squared distance.</summary>
    public static (int Index, double Squared) Of(ReadOnlySpan<double> point, ReadOnlySpan<double> centers)
    {
        var (best, least, d) = (0, double.PositiveInfinity, point.Length);
        for (var c = 0; c < centers.Length / d; c++)
        {
            var squared = Vectors.SquaredDistance(point, centers.Slice(c * d, d));
            if (squared < least)
            {
                (best, least) = (c, squared);
            }
        }
        return (best, least);
    }
}
