using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What an affinity says for a number of clusters.</summary>
/// <param name="NClusters">k.</param>
/// <param name="Eigengap">Eigenvalue k + 1 of the normalised Laplacian less eigenvalue k.</param>
/// <param name="Silhouette">Mean silhouette of k-means in the first k columns of the embedding; 0 where it is not defined.</param>
public sealed record SpectralCount(int NClusters, double Eigengap, double Silhouette)
{
    /// <summary>Looks at every k of a range: the eigenvectors for the largest serve all of them.</summary>
    /// <param name="backend">What computes.</param>
    /// <param name="embedding">The points, in more columns than the largest k.</param>
    /// <param name="from">Smallest k, at least 2.</param>
    /// <param name="to">Largest k, below the columns of the embedding.</param>
    /// <param name="randomState">Seed of k-means.</param>
    /// <exception cref="IccArgumentException">A range outside its limits.</exception>
    public static IReadOnlyList<SpectralCount> Of(IBackend backend, SpectralEmbedding embedding, int from, int to, long randomState = 0)
    {
        Check.AtLeast(from, 2, "from");
        Check.AtLeast(to, from, "to");
        Check.Count(to, embedding.NComponents - 1, "to");
        var (n, columns) = (embedding.N, embedding.NComponents);
        var counts = new List<SpectralCount>();
        for (var k = from; k <= to; k++)
        {
            var x = new double[n * k];
            for (var i = 0; i < n; i++)
            {
                embedding.Embedding.AsSpan(i * columns, k).CopyTo(x.AsSpan(i * k));
            }
            var labels = new KMeans { NClusters = k, NInit = SpectralClustering.UsualNInit, RandomState = randomState }.Fit(backend, x, n, k).Labels;
            var gap = embedding.Eigenvalues[k] - embedding.Eigenvalues[k - 1];
            counts.Add(new SpectralCount(k, gap, Metrics.SampledSilhouette(x, n, k, labels)));
        }
        return counts;
    }
}
