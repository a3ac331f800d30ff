namespace IccEngine.Clustering;

/// <summary>Union-find with path halving over 0 .. n - 1; the smaller number is the root, so results do not depend on the order of joining.</summary>
internal sealed class DisjointSets
{
    private readonly int[] _parent;

    /// <summary>n sets of one element.</summary>
    public DisjointSets(int n) => _parent = [.. Enumerable.Range(0, n)];

    /// <summary>The root of the set that holds <paramref name="x"/>.</summary>
    public int Find(int x)
    {
        while (_parent[x] != x)
        {
            x = _parent[x] = _parent[_parent[x]];
        }
        return x;
    }

    /// <summary>Joins the sets of two elements and returns their root.</summary>
    public int Join(int a, int b)
    {
        (a, b) = (Find(a), Find(b));
        _parent[Math.Max(a, b)] = Math.Min(a, b);
        return Math.Min(a, b);
    }
}
