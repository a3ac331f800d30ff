namespace IccEngine.Clustering;

/// <summary>
/// The tree of single-linkage merges in which splits that part off fewer than minClusterSize points count as points leaving their cluster.
/// Densities are lambda = 1 / distance. Clusters are numbered from the root, 0, downwards, so a child's number is larger than its parent's.
/// </summary>
internal sealed class CondensedTree
{
    private readonly int[] _clusterOfPoint;
    private readonly double[] _lambdaOfPoint;
    private readonly List<int> _parent = [-1];
    private readonly List<double> _birth = [0];
    private readonly List<int> _size;

    private CondensedTree(int n) => (_clusterOfPoint, _lambdaOfPoint, _size) = (new int[n], new double[n], [n]);

    private int Clusters => _parent.Count;

    /// <summary>Condenses a tree of n - 1 merges, from its root downwards.</summary>
    public static CondensedTree Of(Merge[] merges, int n, int minClusterSize)
    {
        var tree = new CondensedTree(n);
        var open = new Stack<(int Node, int Cluster)>();
        open.Push((2 * n - 2, 0));
        int Size(int node) => node < n ? 1 : merges[node - n].Size;
        while (open.TryPop(out var top))
        {
            var (node, cluster) = top;
            var merge = merges[node - n];
            var lambda = merge.Height > 0 ? 1 / merge.Height : double.PositiveInfinity;
            var split = Size(merge.A) >= minClusterSize && Size(merge.B) >= minClusterSize;
            foreach (var child in (int[])[merge.A, merge.B])
            {
                if (split)
                {
                    open.Push((child, tree.Add(cluster, lambda, Size(child))));
                }
                else if (Size(child) >= minClusterSize)
                {
                    open.Push((child, cluster));
                }
                else
                {
                    tree.LeaveAll(merges, n, child, cluster, lambda);
                }
            }
        }
        return tree;
    }

    /// <summary>The clusters, without the root, whose stability is not below the sum of their chosen descendants' (Campello et al., section 5).</summary>
    public bool[] ExcessOfMass()
    {
        var (stability, below, chosen) = (Stability(), new double[Clusters], new bool[Clusters]);
        for (var c = Clusters - 1; c > 0; c--)
        {
            chosen[c] = stability[c] >= below[c];
            below[_parent[c]] += Math.Max(stability[c], below[c]);
        }
        // Nothing below a chosen cluster stays chosen; parents come first.
        var covered = new bool[Clusters];
        for (var c = 1; c < Clusters; c++)
        {
            covered[c] = covered[_parent[c]] || chosen[_parent[c]];
            chosen[c] &= !covered[c];
        }
        return chosen;
    }

    /// <summary>The clusters that have no clusters below them, without the root.</summary>
    public bool[] Leaves()
    {
        var leaf = Enumerable.Repeat(true, Clusters).ToArray();
        foreach (var parent in _parent.Skip(1))
        {
            leaf[parent] = false;
        }
        leaf[0] = false;
        return leaf;
    }

    /// <summary>[n]: the chosen cluster that a point lies in, -1 where there is none.</summary>
    public int[] Labels(bool[] chosen)
    {
        var above = new int[Clusters];
        above[0] = -1;
        for (var c = 1; c < Clusters; c++)
        {
            above[c] = chosen[c] ? c : above[_parent[c]];
        }
        return Array.ConvertAll(_clusterOfPoint, c => above[c]);
    }

    /// <summary>[n]: the density at which a point leaves over the largest at which anything leaves its cluster; 0 for noise.</summary>
    public double[] Probabilities(int[] labels)
    {
        var death = new double[Clusters];
        for (var i = 0; i < labels.Length; i++)
        {
            death[_clusterOfPoint[i]] = Math.Max(death[_clusterOfPoint[i]], _lambdaOfPoint[i]);
        }
        for (var c = 1; c < Clusters; c++)
        {
            death[_parent[c]] = Math.Max(death[_parent[c]], _birth[c]);
        }
        var probabilities = new double[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= 0)
            {
                var (lambda, most) = (_lambdaOfPoint[i], death[labels[i]]);
                probabilities[i] = most == 0 || lambda >= most ? 1 : lambda / most;
            }
        }
        return probabilities;
    }

    /// <summary>Sum over what leaves a cluster of (lambda - lambda at the cluster's birth), a child cluster counting with all its points.</summary>
    private double[] Stability()
    {
        var stability = new double[Clusters];
        // At infinite density there are only duplicates, which leave together: they add nothing.
        void Add(int cluster, double lambda, int count) =>
            stability[cluster] += double.IsInfinity(_birth[cluster]) ? 0 : (lambda - _birth[cluster]) * count;
        for (var i = 0; i < _clusterOfPoint.Length; i++)
        {
            Add(_clusterOfPoint[i], _lambdaOfPoint[i], 1);
        }
        for (var c = 1; c < Clusters; c++)
        {
            Add(_parent[c], _birth[c], _size[c]);
        }
        return stability;
    }

    private int Add(int parent, double birth, int size)
    {
        _parent.Add(parent);
        _birth.Add(birth);
        _size.Add(size);
        return Clusters - 1;
    }

    private void Leave(int point, int cluster, double lambda) => (_clusterOfPoint[point], _lambdaOfPoint[point]) = (cluster, lambda);

    private void LeaveAll(Merge[] merges, int n, int node, int cluster, double lambda)
    {
        var open = new Stack<int>();
        open.Push(node);
        while (open.TryPop(out var next))
        {
            if (next < n)
            {
                Leave(next, cluster, lambda);
                continue;
            }
            open.Push(merges[next - n].A);
            open.Push(merges[next - n].B);
        }
    }
}
