namespace IccEngine.Clustering;

/// <summary>
/// The minimum spanning tree of a complete graph by Prim's algorithm (1957): O(n^2) dissimilarities, O(n) memory. Among equal dissimilarities,
/// which mutual reachability has many of, the edge with the smaller lower point comes first, then the one with the larger upper point: a strict
/// order, so the tree is unique.
/// </summary>
internal static class SpanningTree
{
    /// <summary>n - 1 edges, shortest first.</summary>
    public static (int A, int B, double Height)[] Of<T>(T dissimilarities) where T : struct, IDissimilarities
    {
        var n = dissimilarities.N;
        var (nearest, least, inside) = (new int[n], new double[n], new bool[n]);
        Array.Fill(least, double.PositiveInfinity);
        var edges = new (int, int, double)[n - 1];
        var current = 0;
        for (var e = 0; e < n - 1; e++)
        {
            inside[current] = true;
            var next = -1;
            for (var i = 0; i < n; i++)
            {
                if (inside[i])
                {
                    continue;
                }
                var distance = dissimilarities.Between(current, i);
                if (distance < least[i] || distance == least[i] && Before(current, nearest[i], i, i))
                {
                    (least[i], nearest[i]) = (distance, current);
                }
                if (next < 0 || least[i] < least[next] || least[i] == least[next] && Before(nearest[i], nearest[next], i, next))
                {
                    next = i;
                }
            }
            edges[e] = (nearest[next], next, least[next]);
            current = next;
        }
        return [.. edges.OrderBy(e => e.Item3).ThenBy(e => Math.Min(e.Item1, e.Item2)).ThenByDescending(e => Math.Max(e.Item1, e.Item2))];
    }

    /// <summary>Whether the edge (a, i) comes before the edge (b, j) of the same length.</summary>
    private static bool Before(int a, int b, int i, int j)
    {
        var (low, other) = (Math.Min(a, i), Math.Min(b, j));
        return low < other || low == other && Math.Max(a, i) > Math.Max(b, j);
    }
}
