using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>How clearly an affinity shows clusters, without knowing the true ones.</summary>
/// <param name="Eigengap">Eigenvalue k + 1 of the normalised Laplacian less eigenvalue k; 0 where k = n.</param>
/// <param name="Modularity">
/// Q of the labels (Newman 2006): the share of the weights that lies within clusters, less what it would be for weights put between
/// points at random, by their degrees; below 1.
/// </param>
/// <param name="Silhouette">
/// Mean silhouette (Rousseeuw 1987) of the labels in the spectral embedding, of at most 1000 evenly chosen points; 0 where it is not defined.
/// </param>
public sealed record AffinityScores(double Eigengap, double Modularity, double Silhouette)
{
    /// <summary>Scores what spectral clustering found.</summary>
    /// <param name="backend">Whose matrix it is.</param>
    /// <param name="normalised">[n, n], what <see cref="SpectralClustering.FitPredict(IBackend, Tensor)"/> has made of its affinity.</param>
    /// <param name="found">What it found.</param>
    /// <exception cref="IccArgumentException">The matrix is not one of the result's points.</exception>
    public static AffinityScores Of(IBackend backend, Tensor normalised, SpectralClusteringResult found)
    {
        var n = Check.SquareShape(normalised, "normalised", least: 2);
        Check.Length(found.Labels.Length, n, "labels");
        return new AffinityScores(GapBehind(backend, normalised, found.Embedding), ModularityOf(backend, normalised, found),
            Metrics.SampledSilhouette(found.Embedding.Embedding, n, found.Embedding.NComponents, found.Labels));
    }

    private static double GapBehind(IBackend backend, Tensor normalised, SpectralEmbedding embedding)
    {
        if (embedding.NComponents == embedding.N)
        {
            return 0;
        }
        var next = Lanczos.Largest(backend, normalised, 1, new LanczosOptions { Known = embedding.Eigenvectors, KnownValue = 1 });
        return 1 - next.Pairs.Values[0] - embedding.Eigenvalues[^1];
    }

    /// <summary>
    /// With N = D^-1/2 A D^-1/2 and d = D^1/2 1: row sums of A are d * (N d), and weights within a cluster (d on it)' N (d on it).
    /// </summary>
    private static double ModularityOf(IBackend backend, Tensor normalised, SpectralClusteringResult found)
    {
        var (n, root) = (found.Labels.Length, found.Embedding.SqrtDegree);
        var work = backend.Allocate(new Shape(2, n), normalised.DType);
        using var memory = work.Buffer;
        double[] Product(double[] x)
        {
            backend.Write(x, work.Row(0));
            backend.SymmetricProduct(normalised, work.Row(0), work.Row(1));
            var y = new double[n];
            backend.Read(work.Row(1), y);
            return y;
        }
        var all = Product(root);
        var total = Enumerable.Range(0, n).Sum(i => root[i] * all[i]);
        if (total <= 0)
        {
            return 0;
        }
        var modularity = 0.0;
        foreach (var cluster in found.Labels.Distinct())
        {
            var own = Enumerable.Range(0, n).Select(i => found.Labels[i] == cluster ? root[i] : 0).ToArray();
            var weights = Product(own);
            var (within, degree) = (0.0, 0.0);
            for (var i = 0; i < n; i++)
            {
                within += own[i] * weights[i];
                degree += own[i] * all[i];
            }
            modularity += within / total - degree / total * (degree / total);
        }
        return modularity;
    }
}
