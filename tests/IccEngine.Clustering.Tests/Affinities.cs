using IccEngine.Core;

namespace IccEngine.Clustering.Tests;

/// <summary>Affinities as the clustering gets them: made and averaged by a backend.</summary>
internal static class Affinities
{
    /// <summary>[n, n], the paper's affinity of pooled attention [n, n], in the type of the tensors given.</summary>
    public static double[] Of(IBackend backend, ReadOnlySpan<double> pooled, int n, DType dtype = DType.F64)
    {
        var attention = backend.Allocate(new Shape(n, n), dtype);
        var sums = backend.Allocate(new Shape(n, n), dtype);
        using var memory = attention.Buffer;
        using var memoryOfSums = sums.Buffer;
        backend.Write(pooled, attention);
        backend.AddAffinity(attention, [.. Enumerable.Range(0, n)], sums, default);
        backend.MeanAffinity(sums, default);
        var affinity = new double[n * n];
        backend.Read(sums, affinity);
        return affinity;
    }

    /// <summary>A tensor that holds a matrix [n, n].</summary>
    public static Tensor Upload(IBackend backend, ReadOnlySpan<double> matrix, int n, DType dtype = DType.F64)
    {
        var tensor = backend.Allocate(new Shape(n, n), dtype);
        backend.Write(matrix, tensor);
        return tensor;
    }
}
