using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The distance of two clusters.</summary>
public enum Linkage
{
    /// <summary>What a merger adds to the sum of squares within clusters, as a distance (scipy's scale). For points only.</summary>
    Ward,

    /// <summary>The mean over the pairs of points.</summary>
    Average,

    /// <summary>The largest over the pairs of points.</summary>
    Complete,

    /// <summary>The smallest over the pairs of points.</summary>
    Single,
}

/// <summary>What <see cref="AgglomerativeClustering"/> found.</summary>
/// <param name="Labels">[n], numbered by first appearance.</param>
/// <param name="Merges">[n - 1]: the whole tree in the order of its heights, as scipy's linkage.</param>
public sealed record AgglomerativeResult(int[] Labels, IReadOnlyList<Merge> Merges);

/// <summary>
/// scikit-learn's AgglomerativeClustering: the two nearest clusters merge until <see cref="NClusters"/> are left. O(n^2) dissimilarities;
/// ward and single linkage of points need O(n d) memory, average and complete linkage n (n - 1) / 2 numbers.
/// </summary>
public sealed class AgglomerativeClustering
{
    /// <summary>Number of clusters, 1 to n.</summary>
    public int NClusters { get; init; } = 2;

    /// <summary>The distance of two clusters.</summary>
    public Linkage Linkage { get; init; } = Linkage.Ward;

    /// <summary>Clusters points by their Euclidean distances.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">Average or complete linkage has no room for the distances.</exception>
    public AgglomerativeResult Fit(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        Check.Count(NClusters, n, "nClusters");
        return Cut(Linkage switch
        {
            Linkage.Ward => NearestNeighbourChain.Of(new WardDistances(x.ToArray(), n, d)),
            Linkage.Single => SpanningTree.Of(new PointDistances(x.ToArray(), n, d)),
            _ => OfMatrix(CondensedDistances.Of(x.ToArray(), n, d)),
        }, n);
    }

    /// <summary>Clusters points of which only the dissimilarities are known.</summary>
    /// <param name="condensed">[n (n - 1) / 2]: d(0,1), d(0,2), ..., d(1,2), ..., finite, 0 or more.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits, or the linkage is ward.</exception>
    /// <exception cref="IccMemoryException">There is no room for a copy.</exception>
    public AgglomerativeResult FitDissimilarities(ReadOnlySpan<double> condensed, int n)
    {
        if (Linkage == Linkage.Ward)
        {
            throw new IccArgumentException("linkage: found ward, expected average, complete or single: ward needs the points themselves");
        }
        var matrix = CondensedDistances.Given(condensed, n);
        Check.Count(NClusters, n, "nClusters");
        return Cut(Linkage == Linkage.Single ? SpanningTree.Of(matrix) : OfMatrix(matrix), n);
    }

    private (int, int, double)[] OfMatrix(CondensedDistances matrix) =>
        NearestNeighbourChain.Of(new MatrixDistances(matrix, Linkage == Linkage.Complete));

    private AgglomerativeResult Cut((int, int, double)[] edges, int n)
    {
        var merges = MergeTree.Build(edges, n);
        return new AgglomerativeResult(MergeTree.Cut(merges, n, NClusters), merges);
    }
}
