using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>A number of clusters that was tried, and what speaks for it; criteria that the method does not have are null.</summary>
/// <param name="NClusters">k.</param>
public sealed record CountCandidate(int NClusters)
{
    /// <summary>
    /// Of the affinity between the points, read from a prompt that states this k: eigenvalue k + 1 of its normalised Laplacian less
    /// eigenvalue k.
    /// </summary>
    public double? Eigengap { get; init; }

    /// <summary>Mean silhouette of the labels in the spectral embedding of that affinity.</summary>
    public double? EmbeddingSilhouette { get; init; }

    /// <summary>Mean silhouette of the labels between the points themselves; for the model's methods those of the affinity, outliers pulled in.</summary>
    public double? PointSilhouette { get; init; }

    /// <summary>Natural logarithm of the probability of the model's likeliest-token answer for this k, by the number of labels.</summary>
    public double? LogProbability { get; init; }

    /// <summary>What is compared: the candidate with the largest is chosen, the smallest k of several.</summary>
    public double Score { get; init; }

    /// <summary>
    /// Share of this candidate when the scores are taken for logarithms: on data like the generated episodes that the score was fitted to, how often it is
    /// the right one. Null where the score is one criterion alone.
    /// </summary>
    public double? Probability { get; init; }
}

/// <summary>A number of clusters that was estimated.</summary>
/// <param name="NClusters">The chosen one.</param>
/// <param name="Candidates">What was tried, by ascending k.</param>
public sealed record CountEstimate(int NClusters, IReadOnlyList<CountCandidate> Candidates)
{
    /// <summary>Chooses among candidates without a score by <see cref="CountScore"/>.</summary>
    /// <exception cref="IccArgumentException">There is no candidate.</exception>
    public static CountEstimate ByScore(IReadOnlyList<CountCandidate> candidates) => ByLargest(CountScore.Apply(candidates));

    /// <summary>The silhouette of k-means on the points: <see cref="ClusterCount.BySilhouette"/>.</summary>
    /// <param name="backend">What assigns points to centres.</param>
    /// <param name="points">At least 3.</param>
    /// <param name="range">Numbers that are tried.</param>
    /// <param name="seed">Of k-means.</param>
    /// <exception cref="IccArgumentException">Too few points, or points that do not differ.</exception>
    public static CountEstimate BySilhouette(IBackend backend, PointSet points, CountRange range, long seed)
    {
        var found = ClusterCount.BySilhouette(backend, points.Values, points.Count, points.Features, range.From, range.To, seed);
        var candidates = found.Candidates.Select(c => new CountCandidate(c.NClusters) { PointSilhouette = c.Silhouette, Score = c.Silhouette ?? -1 });
        return new CountEstimate(found.NClusters, [.. candidates]);
    }

    private static CountEstimate ByLargest(IReadOnlyList<CountCandidate> candidates) => new(candidates.MaxBy(c => c.Score)!.NClusters, candidates);
}
