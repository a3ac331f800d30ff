using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>A number of clusters that was tried.</summary>
/// <param name="NClusters">k.</param>
/// <param name="Silhouette">Mean silhouette of k-means at k; null where fewer than 2 distinct clusters were found.</param>
/// <param name="Inertia">Of k-means at k.</param>
public sealed record ClusterCountCandidate(int NClusters, double? Silhouette, double Inertia);

/// <summary>A number of clusters chosen from the data.</summary>
/// <param name="NClusters">The k with the largest silhouette, the smallest of several.</param>
/// <param name="Labels">[n]: the labels of k-means at that k.</param>
/// <param name="Candidates">What was tried, by ascending k.</param>
public sealed record ClusterCountChoice(int NClusters, int[] Labels, IReadOnlyList<ClusterCountCandidate> Candidates);

/// <summary>The number of clusters by the silhouette of k-means (Rousseeuw 1987). See <see cref="Eigengap"/> for that of an affinity.</summary>
public static class ClusterCount
{
    /// <summary>Tries k-means at every k of a range and takes the k of the largest mean silhouette. O(n^2) distances a candidate.</summary>
    /// <param name="backend">What assigns points to centres.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 3.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="from">Smallest k, at least 2: one cluster has no silhouette.</param>
    /// <param name="to">Largest k; values above n - 1 are left out.</param>
    /// <param name="randomState">Seed of k-means.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits, or the points are too few or too alike.</exception>
    public static ClusterCountChoice BySilhouette(
        IBackend backend, ReadOnlySpan<double> x, int n, int d, int from = 2, int to = 10, long randomState = 0)
    {
        Check.Points(x, n, d, least: 3);
        Check.AtLeast(from, 2, "from");
        Check.AtLeast(to, from, "to");
        var candidates = new List<ClusterCountCandidate>();
        var (best, labels) = ((ClusterCountCandidate?)null, Array.Empty<int>());
        for (var k = from; k <= Math.Min(to, n - 1); k++)
        {
            var found = new KMeans { NClusters = k, RandomState = randomState }.Fit(backend, x, n, d);
            var distinct = found.Labels.Distinct().Count();
            var candidate = new ClusterCountCandidate(k, distinct < 2 ? null : Metrics.Silhouette(x, n, d, found.Labels), found.Inertia);
            candidates.Add(candidate);
            if (candidate.Silhouette is { } silhouette && (best is null || silhouette > best.Silhouette))
            {
                (best, labels) = (candidate, found.Labels);
            }
        }
        return best is null
            ? throw new IccArgumentException($"number of clusters: found {n} points without two distinct clusters between k = {from} and {Math.Min(to, n - 1)}, "
                + "expected points that differ")
            : new ClusterCountChoice(best.NClusters, labels, candidates);
    }
}
