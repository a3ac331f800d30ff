using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>From pooled attention to what spectral clustering needs.</summary>
public sealed unsafe partial class CudaBackend
{
    /// <inheritdoc/>
    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form)
    {
        ExpectAffinity.Add(pooled, order, sums);
        using var turn = Enter();
        _affinity.Add(pooled, order, sums, form);
        KeepAlive(pooled, sums);
    }

    /// <inheritdoc/>
    public void MeanAffinity(Tensor sums, AffinityForm form)
    {
        ExpectAffinity.Square(sums, nameof(sums));
        using var turn = Enter();
        _affinity.Mean(sums, form);
        GC.KeepAlive(sums.Buffer);
    }

    /// <inheritdoc/>
    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        ExpectAffinity.Neighbours(affinity, labels, others);
        using var turn = Enter();
        _affinity.NeighbourLabels(affinity, labels, others);
        GC.KeepAlive(affinity.Buffer);
    }

    /// <inheritdoc/>
    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees)
    {
        ExpectAffinity.Vector(rootDegrees, ExpectAffinity.Square(affinity, nameof(affinity)), affinity, nameof(rootDegrees));
        using var turn = Enter();
        _affinity.Normalise(affinity, rootDegrees);
        KeepAlive(affinity, rootDegrees);
    }

    /// <inheritdoc/>
    public void SymmetricProduct(Tensor a, Tensor x, Tensor y)
    {
        ExpectAffinity.Product(a, x, y);
        using var turn = Enter();
        _affinity.Product(a, x, y);
        KeepAlive(a, x);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        ExpectAffinity.Basis(basis, w, parts);
        using var turn = Enter();
        var norm = _affinity.Orthonormalise(basis, w, parts);
        KeepAlive(basis, w);
        return norm;
    }
}
