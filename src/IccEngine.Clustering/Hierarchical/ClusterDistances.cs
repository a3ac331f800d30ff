namespace IccEngine.Clustering;

/// <summary>
/// Ward's linkage (1963) over centroids: sqrt(2 a b / (a + b)) |m_a - m_b| for sizes a, b and means m, scipy's scale. O(n d) memory.
/// </summary>
internal sealed class WardDistances : IClusterDistances
{
    private readonly double[] _means;
    private readonly double[] _size;
    private readonly int _d;

    /// <summary>Each of the points [n, d] alone; the array is used up.</summary>
    public WardDistances(double[] x, int n, int d)
    {
        (_means, _d, _size, N) = (x, d, new double[n], n);
        Array.Fill(_size, 1);
    }

    /// <inheritdoc/>
    public int N { get; }

    /// <inheritdoc/>
    public double Between(int i, int j) =>
        Math.Sqrt(2 * _size[i] * _size[j] / (_size[i] + _size[j]) * Vectors.SquaredDistance(Mean(i), Mean(j)));

    /// <inheritdoc/>
    public void Merge(int kept, int gone, ReadOnlySpan<int> others)
    {
        var mean = Mean(kept);
        var share = _size[gone] / (_size[kept] + _size[gone]);
        for (var c = 0; c < _d; c++)
        {
            mean[c] += share * (Mean(gone)[c] - mean[c]);
        }
        _size[kept] += _size[gone];
    }

    private Span<double> Mean(int i) => _means.AsSpan(i * _d, _d);
}

/// <summary>Average or complete linkage over a matrix of dissimilarities, updated after each merge (Lance and Williams 1967).</summary>
internal sealed class MatrixDistances : IClusterDistances
{
    private readonly CondensedDistances _between;
    private readonly bool _complete;
    private readonly double[] _size;

    /// <summary>Each point alone; the matrix is used up.</summary>
    public MatrixDistances(CondensedDistances between, bool complete)
    {
        (_between, _complete, _size) = (between, complete, new double[between.N]);
        Array.Fill(_size, 1);
    }

    /// <inheritdoc/>
    public int N => _between.N;

    /// <inheritdoc/>
    public double Between(int i, int j) => _between.Between(i, j);

    /// <inheritdoc/>
    public void Merge(int kept, int gone, ReadOnlySpan<int> others)
    {
        foreach (var other in others)
        {
            if (other != kept)
            {
                var (a, b) = (Between(kept, other), Between(gone, other));
                _between.Set(kept, other, _complete ? Math.Max(a, b) : (_size[kept] * a + _size[gone] * b) / (_size[kept] + _size[gone]));
            }
        }
        _size[kept] += _size[gone];
    }
}
