namespace IccEngine.Clustering;

/// <summary>Points with their true clusters: one line of an episode file.</summary>
public sealed record Episode
{
    /// <summary>Number of clusters c.</summary>
    public required int NClusters { get; init; }

    /// <summary>Number of columns d.</summary>
    public required int D { get; init; }

    /// <summary>Points [n, d] row-major.</summary>
    public required double[] X { get; init; }

    /// <summary>[n]: the true cluster of each point, in no order of appearance.</summary>
    public required int[] Y { get; init; }

    /// <summary>Degrees of freedom of Student-t noise; null for anything else.</summary>
    public double? Df { get; init; }

    /// <summary>What the noise or the shape is, where it is not Student-t; null otherwise.</summary>
    public string? Dist { get; init; }

    /// <summary>The data set that the points were taken from; null for generated ones.</summary>
    public string? Set { get; init; }

    /// <summary>What the episode was generated from; null where it was not.</summary>
    public long? Seed { get; init; }

    /// <summary>Orders of the points, each a permutation of 0 .. n - 1: x[p], y[p]; null where there are none.</summary>
    public IReadOnlyList<int[]>? Perms { get; init; }

    /// <summary>[c, d]: what the clusters were drawn around; null where it is not known, and for shapes without centres. Not written to files.</summary>
    public double[]? Centers { get; init; }

    /// <summary>Number of points n.</summary>
    public int N => Y.Length;
}
