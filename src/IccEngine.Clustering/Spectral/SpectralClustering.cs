using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What <see cref="SpectralClustering"/> found.</summary>
/// <param name="Labels">[n]: cluster of each point, 0 .. c - 1.</param>
/// <param name="Embedding">Where the points were clustered, with the eigenvalues of the Laplacian.</param>
/// <param name="Inertia">Sum of squared distances to the cluster centres in the embedding.</param>
/// <param name="Warnings">What a user should know about the graph, the solver, the clusters.</param>
public sealed record SpectralClusteringResult(
    int[] Labels, SpectralEmbedding Embedding, double Inertia, IReadOnlyList<string> Warnings);

/// <summary>
/// scikit-learn's SpectralClustering(affinity="precomputed", assign_labels="kmeans"): k-means on the c columns of a
/// <see cref="SpectralEmbedding"/>, each start of it refined by Hartigan's exchanges.
/// </summary>
public sealed class SpectralClustering
{
    /// <summary>Number of clusters c, 1 to n.</summary>
    public required int NClusters { get; init; }

    /// <summary>Seed; equal seeds give equal labels.</summary>
    public long RandomState { get; init; }

    /// <summary>
    /// Starts of k-means. scikit-learn takes 10 plain ones; 20 refined ones take no longer than the eigenvectors, and come within a
    /// percent of the best of 100 plain ones in practically every run.
    /// </summary>
    public int NInit { get; init; } = 20;

    /// <summary>Threads for the products with a large matrix.</summary>
    public int NJobs { get; init; } = 1;

    /// <summary>Solver of the eigenproblem.</summary>
    public EigenSolver EigenSolver { get; init; }

    /// <summary>Clusters the points of an affinity.</summary>
    /// <param name="affinity">[n, n] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry outside its limits, or a point whose weights sum below zero.</exception>
    public SpectralClusteringResult FitPredict(ReadOnlySpan<double> affinity, int n)
    {
        Check.SquareLength(affinity.Length, n, "affinity", least: 2);
        Check.Count(NClusters, n, "nClusters");
        var options = new SpectralOptions { EigenSolver = EigenSolver, NJobs = NJobs, RandomState = RandomState };
        var embedding = SpectralEmbedding.Fit(affinity, n, NClusters, options);
        var kmeans = new KMeans { NClusters = NClusters, NInit = NInit, RandomState = RandomState };
        var clusters = kmeans.Fit(embedding.Embedding, n, NClusters);
        return new SpectralClusteringResult(clusters.Labels, embedding, clusters.Inertia, [.. embedding.Warnings, .. clusters.Warnings]);
    }

    /// <inheritdoc cref="FitPredict(ReadOnlySpan{double}, int)"/>
    public SpectralClusteringResult FitPredict(ReadOnlySpan<float> affinity, int n)
    {
        var wide = new double[affinity.Length];
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] = affinity[i];
        }
        return FitPredict(wide, n);
    }
}
