using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// Dissimilarities kept in memory as scipy keeps them: the upper triangle row by row, d(0,1), d(0,2), ..., d(1,2), ...: n (n - 1) / 2 numbers.
/// </summary>
internal readonly struct CondensedDistances : IDissimilarities
{
    private readonly double[] _values;

    private CondensedDistances(double[] values, int n) => (_values, N) = (values, n);

    /// <inheritdoc/>
    public int N { get; }

    /// <inheritdoc/>
    public double Between(int i, int j) => i == j ? 0 : _values[i < j ? Place(i, j) : Place(j, i)];

    /// <summary>Replaces the dissimilarity of two different points.</summary>
    public void Set(int i, int j, double value) => _values[i < j ? Place(i, j) : Place(j, i)] = value;

    /// <summary>The Euclidean distances of points [n, d].</summary>
    /// <exception cref="IccMemoryException">There is no room for them.</exception>
    public static CondensedDistances Of(double[] x, int n, int d)
    {
        var values = Room(n);
        var points = new PointDistances(x, n, d);
        var at = 0;
        for (var i = 0; i < n; i++)
        {
            for (var j = i + 1; j < n; j++)
            {
                values[at++] = points.Between(i, j);
            }
        }
        return new CondensedDistances(values, n);
    }

    /// <summary>A checked copy of dissimilarities that a caller gives.</summary>
    /// <exception cref="IccArgumentException">A length that is not n (n - 1) / 2, or an entry that is negative or not finite.</exception>
    /// <exception cref="IccMemoryException">There is no room for a copy.</exception>
    public static CondensedDistances Given(ReadOnlySpan<double> condensed, int n)
    {
        if (n < 1 || condensed.Length != (long)n * (n - 1) / 2)
        {
            throw new IccArgumentException($"dissimilarities: found {condensed.Length} values for {n} points, expected n (n - 1) / 2 = "
                + $"{(long)n * (n - 1) / 2}, and at least 1 point");
        }
        for (var at = 0; at < condensed.Length; at++)
        {
            if (!(condensed[at] >= 0) || !double.IsFinite(condensed[at]))
            {
                throw new IccArgumentException($"dissimilarities, value {at}: found {Check.Text(condensed[at])}, expected a finite number of 0 or more");
            }
        }
        var values = Room(n);
        condensed.CopyTo(values);
        return new CondensedDistances(values, n);
    }

    private static double[] Room(int n) => Workspace.Doubles((long)n * (n - 1) / 2, $"the dissimilarities of {n} points");

    private int Place(int i, int j) => (int)((long)i * (2L * N - i - 1) / 2) + j - i - 1;
}
