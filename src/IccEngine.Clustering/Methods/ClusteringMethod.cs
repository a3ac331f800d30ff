using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What every method is told.</summary>
/// <param name="NClusters">Number of clusters; methods that find it themselves (<see cref="ClusteringMethod.FindsNClusters"/>) pass over it.</param>
/// <param name="RandomState">Seed; equal seeds give equal labels.</param>
public sealed record ClusteringRequest(int NClusters, long RandomState = 0);

/// <summary>What every method gives.</summary>
/// <param name="Labels">[n]: 0 and up; -1 for noise, from methods that know of noise.</param>
/// <param name="Confidence">[n], in 0 to 1: how firmly a point has its label; null from methods that do not say.</param>
/// <param name="Warnings">What a user should know.</param>
public sealed record ClusteringOutcome(int[] Labels, double[]? Confidence, IReadOnlyList<string> Warnings);

/// <summary>
/// A way to cluster points under a name, as the command line and evaluations call it. The parameters are scikit-learn's defaults but where the
/// estimator's own documentation says otherwise; the estimators themselves have all of them.
/// </summary>
public sealed class ClusteringMethod
{
    private delegate ClusteringOutcome Run(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request);

    private readonly Run _run;

    private ClusteringMethod(string name, string description, Run run, bool findsNClusters = false) =>
        (Name, Description, _run, FindsNClusters) = (name, description, run, findsNClusters);

    /// <summary>Every method, in the order in which help lists them.</summary>
    public static IReadOnlyList<ClusteringMethod> All { get; } =
    [
        new("kmeans", "k-means++, the best of 10 refined starts", (b, x, n, d, r) => KMeans(b, x, n, d, r, 10, KMeansAlgorithm.Hartigan)),
        new("kmeans-1", "one k-means++ start and Lloyd's algorithm: the paper's baseline", (b, x, n, d, r) => KMeans(b, x, n, d, r, 1, KMeansAlgorithm.Lloyd)),
        new("minibatch", "mini-batch k-means", MiniBatch),
        new("ward", "agglomerative, least growth of the squares within clusters", (_, x, n, d, r) => Agglomerative(x, n, d, r, Linkage.Ward)),
        new("average", "agglomerative, mean distance", (_, x, n, d, r) => Agglomerative(x, n, d, r, Linkage.Average)),
        new("complete", "agglomerative, largest distance", (_, x, n, d, r) => Agglomerative(x, n, d, r, Linkage.Complete)),
        new("single", "agglomerative, smallest distance", (_, x, n, d, r) => Agglomerative(x, n, d, r, Linkage.Single)),
        new("spectral-rbf", "spectral clustering of exp(-|x - y|^2)", (b, x, n, d, r) => Spectral(b, x, n, d, r, nearest: false)),
        new("spectral-knn", "spectral clustering of the 10 nearest neighbours", (b, x, n, d, r) => Spectral(b, x, n, d, r, nearest: true)),
        new("gmm", "Gaussian mixture, a covariance matrix for each component", (b, x, n, d, r) => Mixture(b, x, n, d, r, CovarianceType.Full)),
        new("gmm-tied", "Gaussian mixture, one covariance matrix", (b, x, n, d, r) => Mixture(b, x, n, d, r, CovarianceType.Tied)),
        new("gmm-diag", "Gaussian mixture, a variance for each component and column", (b, x, n, d, r) => Mixture(b, x, n, d, r, CovarianceType.Diag)),
        new("gmm-spherical", "Gaussian mixture, a variance for each component", (b, x, n, d, r) => Mixture(b, x, n, d, r, CovarianceType.Spherical)),
        new("hdbscan", "HDBSCAN*: any number of clusters, and noise", Density, findsNClusters: true),
        new("kmedoids", "k-medoids by FasterPAM, the best of 10 starts", Medoids),
        new("attention-quantiser", "an attention layer without trained parameters, iterated", Attention),
    ];

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>One line for help.</summary>
    public string Description { get; }

    /// <summary>Whether the number of clusters is the method's to find.</summary>
    public bool FindsNClusters { get; }

    /// <summary>The method of a name.</summary>
    /// <exception cref="IccArgumentException">There is none; the message lists the names.</exception>
    public static ClusteringMethod Find(string name) =>
        All.FirstOrDefault(m => m.Name == name)
        ?? throw new IccArgumentException($"method: found '{name.ReplaceLineEndings(" ")}', expected one of {string.Join(", ", All.Select(m => m.Name))}");

    /// <summary>Clusters points.</summary>
    /// <param name="backend">What computes, where the method uses one.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="request">Number of clusters, seed.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits, or the method cannot be fitted to the points.</exception>
    /// <exception cref="IccMemoryException">The method needs the square of the points, and there is no room for it.</exception>
    public ClusteringOutcome Fit(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request)
    {
        Check.Points(x, n, d);
        if (!FindsNClusters)
        {
            Check.Count(request.NClusters, n, "nClusters");
        }
        // One point, or one cluster, needs no method; some of them have no answer to it.
        return n == 1 || !FindsNClusters && request.NClusters == 1
            ? new ClusteringOutcome(new int[n], null, [])
            : _run(backend, x, n, d, request);
    }

    private static ClusteringOutcome KMeans(
        IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request, int nInit, KMeansAlgorithm algorithm)
    {
        var kmeans = new KMeans { NClusters = request.NClusters, NInit = nInit, Algorithm = algorithm, RandomState = request.RandomState };
        var found = kmeans.Fit(backend, x, n, d);
        return new ClusteringOutcome(found.Labels, null, found.Warnings);
    }

    private static ClusteringOutcome MiniBatch(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request)
    {
        var found = new MiniBatchKMeans { NClusters = request.NClusters, RandomState = request.RandomState }.Fit(backend, x, n, d);
        return new ClusteringOutcome(found.Labels, null, found.Warnings);
    }

    private static ClusteringOutcome Agglomerative(ReadOnlySpan<double> x, int n, int d, ClusteringRequest request, Linkage linkage) =>
        new(new AgglomerativeClustering { NClusters = request.NClusters, Linkage = linkage }.Fit(x, n, d).Labels, null, []);

    private static ClusteringOutcome Spectral(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request, bool nearest)
    {
        var affinity = nearest ? PointAffinity.NearestNeighbors(backend, x, n, d, Math.Min(10, n)) : PointAffinity.Rbf(backend, x, n, d);
        using var memory = affinity.Buffer;
        var found = new SpectralClustering { NClusters = request.NClusters, RandomState = request.RandomState }.FitPredict(backend, affinity);
        return new ClusteringOutcome(found.Labels, null, found.Warnings);
    }

    private static ClusteringOutcome Mixture(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request, CovarianceType type)
    {
        var found = new GaussianMixture { NComponents = request.NClusters, CovarianceType = type, RandomState = request.RandomState }
            .Fit(backend, x, n, d);
        var (k, probabilities) = (request.NClusters, found.PredictProba(x, n));
        var confidence = found.Labels.Select((label, i) => probabilities[i * k + label]).ToArray();
        return new ClusteringOutcome(found.Labels, confidence, found.Converged ? [] : ["the mixture did not converge; its labels are approximate"]);
    }

    private static ClusteringOutcome Density(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request)
    {
        var found = new Hdbscan { MinClusterSize = Math.Clamp(n, 2, 5) }.Fit(x, n, d);
        return new ClusteringOutcome(found.Labels, found.Probabilities, []);
    }

    private static ClusteringOutcome Medoids(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request) =>
        new(new KMedoids { NClusters = request.NClusters, RandomState = request.RandomState }.Fit(x, n, d).Labels, null, []);

    private static ClusteringOutcome Attention(IBackend backend, ReadOnlySpan<double> x, int n, int d, ClusteringRequest request)
    {
        var most = Math.Max(256, request.NClusters);
        var found = new AttentionQuantiser { NClusters = request.NClusters, MaxQueries = most, RandomState = request.RandomState }.Fit(x, n, d);
        return new ClusteringOutcome(found.Labels, null, found.Warnings);
    }
}
