using System.Diagnostics;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>Settings of <see cref="AffinityClustering"/>.</summary>
public sealed record AffinityClusteringOptions
{
    /// <summary>Entry along the first dimension of a tensor [layers, n, n]; null for a matrix [n, n].</summary>
    public LayerSelection? Layer { get; init; }

    /// <summary>
    /// Whether the matrix is attention, from later points (rows) to earlier ones, to be made the paper's affinity first: strict lower
    /// triangle, row i divided by (its sum + 1e-7) and multiplied by i (0-based), mirrored.
    /// </summary>
    public bool RawAttention { get; init; }

    /// <summary>Least number of clusters that is tried where it is to be estimated; null: 2, and never below.</summary>
    public int? MinClusters { get; init; }

    /// <summary>Greatest number of clusters that is tried where it is to be estimated; null: 10; never more than the points less one.</summary>
    public int? MaxClusters { get; init; }

    /// <summary>Seed of the eigen-solver and of k-means.</summary>
    public long Seed { get; init; }

    /// <summary>Give the affinity with the result.</summary>
    public bool ReturnAffinity { get; init; }

    /// <summary>Where to compute; see <see cref="IccEngine.Device.Open"/>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of the cpu; 0: one for every core.</summary>
    public int Threads { get; init; }
}

/// <summary>A clustered affinity.</summary>
/// <param name="File">The file.</param>
/// <param name="Tensor">Name of the tensor in it.</param>
/// <param name="Points">Number of points n.</param>
/// <param name="Device">What computed, for people.</param>
/// <param name="Result">The clustering: one result, of the method <see cref="ClusterMethod.Attention"/>.</param>
public sealed record AffinityClusteringResult(string File, string Tensor, int Points, string Device, ClusterResult Result);

/// <summary>Spectral clustering of a matrix that stands in a safetensors file: an affinity, or the attention of any model.</summary>
public static class AffinityClustering
{
    /// <summary>Reads the matrix, clusters its points, and writes their labels where that is wanted.</summary>
    /// <param name="source">FILE.safetensors:name.</param>
    /// <param name="clusters">Number of clusters, from 1 to n; null: it is estimated from eigenvalues and silhouettes.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">CSV file to write: the number of every point, from 0, and its cluster; null: none.</param>
    /// <exception cref="IccFormatException">The file, the tensor or an entry of it cannot be; or the output cannot be written.</exception>
    /// <exception cref="IccArgumentException">A number of clusters, a layer or a device that cannot be; weights that sum below zero.</exception>
    /// <exception cref="IccMemoryException">There is no room for n x n float64.</exception>
    public static AffinityClusteringResult Cluster(
        string source, int? clusters, AffinityClusteringOptions? options = null, string? output = null)
    {
        options ??= new AffinityClusteringOptions();
        if (output is not null)
        {
            AtomicFile.CheckPlace(output);
        }
        if (options.Layer is { } chosen && (chosen.IsAuto || chosen.First != chosen.Last))
        {
            throw new IccArgumentException($"{source}: expected one layer of it");
        }
        var layer = options.Layer?.First;
        var matrix = AffinityFile.Read(source, layer, nonNegative: options.RawAttention);
        var n = matrix.Points;
        if (clusters < 1 || clusters > n)
        {
            throw new IccArgumentException($"{matrix.Place}: {clusters} clusters of {n} points; expected from 1 to {n}");
        }
        using var backend = Device.Open(options.Device, options.Threads);
        var watch = Stopwatch.StartNew();
        var estimate = clusters is null ? Estimate(backend, matrix, options) : null;
        var k = estimate?.NClusters ?? clusters!.Value;
        var spectral = new SpectralClustering { NClusters = k, RandomState = options.Seed };
        var affinity = !options.ReturnAffinity ? null : options.RawAttention ? new double[matrix.Values.Length] : matrix.Values;
        var found = options.RawAttention
            ? OfAttention(backend, matrix, affinity, made => spectral.FitPredict(backend, made))
            : spectral.FitPredict(backend, matrix.Values, n);
        var labels = LabelOrder.ByFirstAppearance(found.Labels);
        var result = new MethodResult(
            ClusterOptions.NameOf(ClusterMethod.Attention), layer, labels, watch.Elapsed.TotalSeconds, affinity, found.Embedding.Eigenvalues);
        if (output is not null)
        {
            LabelFile.Write(output, labels);
        }
        return new AffinityClusteringResult(matrix.File, matrix.Name, n, backend.Description, new ClusterResult([result], found.Warnings)
        {
            Clusters = k,
            Candidates = estimate?.Candidates ?? [],
        });
    }

    private static CountEstimate Estimate(IBackend backend, AffinityFile matrix, AffinityClusteringOptions options)
    {
        var range = CountRange.For(matrix.Points, options.MinClusters, options.MaxClusters, null);
        var spectral = new SpectralOptions { RandomState = options.Seed };
        var embedding = options.RawAttention
            ? OfAttention(backend, matrix, null, affinity => SpectralEmbedding.Fit(backend, affinity, range.To + 1, spectral))
            : SpectralEmbedding.Fit(backend, matrix.Values, matrix.Points, range.To + 1, spectral);
        return CountEstimate.ByScore([.. SpectralCount.Of(backend, embedding, range.From, range.To, options.Seed)
            .Select(c => new CountCandidate(c.NClusters) { Eigengap = c.Eigengap, EmbeddingSilhouette = c.Silhouette })]);
    }

    /// <summary>What is made of the paper's affinity of the attention, which lies on the backend; a copy of it first where one is wanted.</summary>
    private static T OfAttention<T>(IBackend backend, AffinityFile matrix, double[]? copy, Func<Tensor, T> make)
    {
        var n = matrix.Points;
        var sums = backend.Allocate(new Shape(n, n), DType.F64);
        using var memory = sums.Buffer;
        var pooled = backend.Allocate(new Shape(n, n), DType.F64);
        using (pooled.Buffer)
        {
            backend.Write(matrix.Values, pooled);
            backend.AddAffinity(pooled, Enumerable.Range(0, n).ToArray(), sums, default);
        }
        backend.MeanAffinity(sums, default);
        if (copy is not null)
        {
            backend.Read(sums, copy);
        }
        return make(sums);
    }
}
