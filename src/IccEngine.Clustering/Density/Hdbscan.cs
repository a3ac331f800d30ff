using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Which clusters of the condensed tree are taken.</summary>
public enum ClusterSelectionMethod
{
    /// <summary>Excess of mass: those that last longest over all densities.</summary>
    Eom,

    /// <summary>The leaves: the finest ones.</summary>
    Leaf,
}

/// <summary>What <see cref="Hdbscan"/> found.</summary>
/// <param name="Labels">[n], numbered by first appearance; -1 for noise.</param>
/// <param name="Probabilities">[n], in 0 to 1: how firmly a point belongs to its cluster; 0 exactly at noise.</param>
/// <param name="CoreDistances">[n]: the distance to the minSamples-th nearest point, itself the first.</param>
/// <param name="SpanningTreeWeights">[n - 1], ascending: the mutual reachability distances of the minimum spanning tree.</param>
public sealed record HdbscanResult(int[] Labels, double[] Probabilities, double[] CoreDistances, double[] SpanningTreeWeights);

/// <summary>
/// HDBSCAN* (Campello, Moulavi and Sander 2013) with scikit-learn's parameters: clusters of any density and number, and noise. O(n^2)
/// distances, O(n) memory beside the points.
/// </summary>
public sealed class Hdbscan
{
    /// <summary>Fewest points of a cluster, at least 2.</summary>
    public int MinClusterSize { get; init; } = 5;

    /// <summary>The neighbour, the point itself the first, whose distance is the core distance; 1 to n. Null: as MinClusterSize.</summary>
    public int? MinSamples { get; init; }

    /// <summary>Which clusters of the tree are taken.</summary>
    public ClusterSelectionMethod ClusterSelectionMethod { get; init; } = ClusterSelectionMethod.Eom;

    /// <summary>Clusters points by their Euclidean distances.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public HdbscanResult Fit(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d, least: 2);
        Check.AtLeast(MinClusterSize, 2, "minClusterSize");
        var minSamples = MinSamples ?? MinClusterSize;
        Check.Count(minSamples, n, "minSamples");
        var points = new PointDistances(x.ToArray(), n, d);
        var core = Core(points, minSamples);
        var merges = MergeTree.Build(SpanningTree.Of(new MutualReachability(points, core)), n);
        var tree = CondensedTree.Of(merges, n, MinClusterSize);
        var labels = tree.Labels(ClusterSelectionMethod == ClusterSelectionMethod.Eom ? tree.ExcessOfMass() : tree.Leaves());
        var probabilities = tree.Probabilities(labels);
        return new HdbscanResult(FirstAppearance.Number(labels), probabilities, core, Array.ConvertAll(merges, m => m.Height));
    }

    private static double[] Core(PointDistances points, int minSamples)
    {
        var (core, row) = (new double[points.N], new double[points.N]);
        for (var i = 0; i < points.N; i++)
        {
            for (var j = 0; j < points.N; j++)
            {
                row[j] = points.Between(i, j);
            }
            core[i] = Selection.Smallest(row, minSamples - 1);
        }
        return core;
    }

    /// <summary>max(core of a, core of b, distance of a and b).</summary>
    private readonly record struct MutualReachability(PointDistances Points, double[] Core) : IDissimilarities
    {
        public int N => Points.N;

        public double Between(int i, int j) => Math.Max(Math.Max(Core[i], Core[j]), Points.Between(i, j));
    }
}
