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
    internal const int UsualNInit = 20;

    /// <summary>Number of clusters c, 1 to n.</summary>
    public required int NClusters { get; init; }

    /// <summary>Seed; equal seeds give equal labels.</summary>
    public long RandomState { get; init; }

    /// <summary>
    /// Starts of k-means. scikit-learn takes 10 plain ones; 20 refined ones take no longer than the eigenvectors, and come within a
    /// percent of the best of 100 plain ones in practically every run.
    /// </summary>
    public int NInit { get; init; } = UsualNInit;

    /// <summary>Solver of the eigenproblem.</summary>
    public EigenSolver EigenSolver { get; init; }

    /// <summary>Clusters the points of an affinity that lies on the host.</summary>
    /// <param name="backend">What computes.</param>
    /// <param name="affinity">[n, n] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry outside its limits, or a point whose weights sum below zero.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for the matrix.</exception>
    public SpectralClusteringResult FitPredict(IBackend backend, ReadOnlySpan<double> affinity, int n)
    {
        Check.SquareLength(affinity.Length, n, "affinity", least: 2);
        Check.Count(NClusters, n, "nClusters");
        return Assign(backend, SpectralEmbedding.Fit(backend, affinity, n, NClusters, Options));
    }

    /// <summary>Clusters the points of an affinity that the backend has; of the matrix nothing is copied to the host.</summary>
    /// <param name="backend">Whose matrix it is.</param>
    /// <param name="affinity">[n, n], F32 or F64, symmetric, with a zero diagonal and nothing negative; overwritten with its normalised form.</param>
    /// <exception cref="IccArgumentException">A shape or a number outside its limits, or a point whose weights have no finite sum.</exception>
    public SpectralClusteringResult FitPredict(IBackend backend, Tensor affinity)
    {
        Check.Count(NClusters, Check.SquareShape(affinity, "affinity", least: 2), "nClusters");
        return Assign(backend, SpectralEmbedding.Fit(backend, affinity, NClusters, Options));
    }

    private SpectralOptions Options => new() { EigenSolver = EigenSolver, RandomState = RandomState };

    private SpectralClusteringResult Assign(IBackend backend, SpectralEmbedding embedding)
    {
        var kmeans = new KMeans { NClusters = NClusters, NInit = NInit, RandomState = RandomState };
        var clusters = kmeans.Fit(backend, embedding.Embedding, embedding.N, NClusters);
        return new SpectralClusteringResult(clusters.Labels, embedding, clusters.Inertia, [.. embedding.Warnings, .. clusters.Warnings]);
    }
}
