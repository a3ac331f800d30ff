using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The points to be clustered: n rows of d finite numbers.</summary>
public sealed class PointSet
{
    /// <summary>Takes the numbers as they are; the array is not copied.</summary>
    /// <param name="values">[count, features], row-major.</param>
    /// <param name="count">Number of points n.</param>
    /// <param name="features">Number of features d.</param>
    /// <exception cref="IccArgumentException">No points, no features, a length that does not match, or a number that is not finite.</exception>
    public PointSet(double[] values, int count, int features)
    {
        if (count < 1 || features < 1 || values.LongLength != (long)count * features)
        {
            throw new IccArgumentException($"{values.Length} numbers for {count} points of {features} features; expected at least one of each, and their product");
        }
        var at = Array.FindIndex(values, v => !double.IsFinite(v));
        if (at >= 0)
        {
            throw new IccArgumentException($"point {at / features + 1}, feature {at % features + 1}: found {values[at]}, expected a finite number");
        }
        (Values, Count, Features) = (values, count, features);
    }

    /// <summary>From one array a point.</summary>
    /// <exception cref="IccArgumentException">No points, rows of different lengths, or a number that is not finite.</exception>
    public static PointSet FromRows(IReadOnlyList<IReadOnlyList<double>> rows)
    {
        var features = rows.Count == 0 ? 0 : rows[0].Count;
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].Count != features)
            {
                throw new IccArgumentException($"point {i + 1} has {rows[i].Count} numbers; expected {features} as point 1 has");
            }
        }
        return new PointSet([.. rows.SelectMany(r => r)], rows.Count, features);
    }

    /// <summary>[Count, Features], row-major.</summary>
    public double[] Values { get; }

    /// <summary>Number of points n.</summary>
    public int Count { get; }

    /// <summary>Number of features d.</summary>
    public int Features { get; }

    /// <summary>The numbers of one point [d].</summary>
    public ReadOnlySpan<double> Row(int i) => Values.AsSpan(i * Features, Features);

    /// <summary>The points with their features in another order, a permutation of 0 .. d - 1.</summary>
    internal PointSet WithFeatures(ReadOnlySpan<int> order)
    {
        var values = new double[Values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Values[i - i % Features + order[i % Features]];
        }
        return new PointSet(values, Count, Features);
    }

    /// <summary>Some of the points, in the order given.</summary>
    public PointSet Select(ReadOnlySpan<int> rows)
    {
        var values = new double[rows.Length * Features];
        for (var i = 0; i < rows.Length; i++)
        {
            Row(rows[i]).CopyTo(values.AsSpan(i * Features));
        }
        return new PointSet(values, rows.Length, Features);
    }
}
