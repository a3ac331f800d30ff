namespace IccEngine.Clustering;

/// <summary>What a linkage knows about its clusters, each named by one of its points.</summary>
internal interface IClusterDistances : IDissimilarities
{
    /// <summary>Merges two clusters; from now on <paramref name="kept"/> names both, and <paramref name="gone"/> is not asked for.</summary>
    void Merge(int kept, int gone, ReadOnlySpan<int> others);
}

/// <summary>
/// The nearest-neighbour chain (Benzecri 1982, Murtagh 1983): each cluster is followed to its nearest one until two are nearest to each
/// other, and these merge. For linkages under which a merger comes no nearer to others (ward, average, complete) it finds the same tree as
/// always merging the nearest pair, in O(n^2) dissimilarities.
/// </summary>
internal static class NearestNeighbourChain
{
    /// <summary>n - 1 merges in the order in which they were found, which is not that of their heights.</summary>
    public static (int A, int B, double Height)[] Of<T>(T clusters) where T : IClusterDistances
    {
        var n = clusters.N;
        var active = Enumerable.Range(0, n).ToList();
        var chain = new Stack<int>();
        var edges = new (int, int, double)[n - 1];
        for (var e = 0; e < n - 1; e++)
        {
            if (chain.Count == 0)
            {
                chain.Push(active[0]);
            }
            while (true)
            {
                var end = chain.Pop();
                // The one before in the chain wins a tie, else the chain could go in circles.
                var next = chain.Count > 0 ? chain.Peek() : -1;
                var least = next < 0 ? double.PositiveInfinity : clusters.Between(end, next);
                foreach (var other in active)
                {
                    if (other != end && clusters.Between(end, other) is var distance && distance < least)
                    {
                        (next, least) = (other, distance);
                    }
                }
                if (chain.Count > 0 && next == chain.Peek())
                {
                    chain.Pop();
                    var (kept, gone) = (Math.Min(end, next), Math.Max(end, next));
                    edges[e] = (kept, gone, least);
                    active.RemoveAt(active.BinarySearch(gone));
                    clusters.Merge(kept, gone, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(active));
                    break;
                }
                chain.Push(end);
                chain.Push(next);
            }
        }
        return edges;
    }
}
