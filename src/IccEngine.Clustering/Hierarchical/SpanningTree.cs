namespace IccEngine.Clustering;

/// <summary>The minimum spanning tree of a complete graph by Prim's algorithm (1957): O(n^2) dissimilarities, O(n) memory.</summary>
internal static class SpanningTree
{
    /// <summary>n - 1 edges in the order in which the tree grew from point 0.</summary>
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
                if (distance < least[i])
                {
                    (least[i], nearest[i]) = (distance, current);
                }
                if (next < 0 || least[i] < least[next])
                {
                    next = i;
                }
            }
            edges[e] = (nearest[next], next, least[next]);
            current = next;
        }
        return edges;
    }
}
