namespace IccEngine.Clustering;

/// <summary>One merge of a tree, numbered as scipy does: points 0 .. n - 1, the cluster of merge m is n + m.</summary>
/// <param name="A">The smaller number of the two clusters that merge.</param>
/// <param name="B">The larger one.</param>
/// <param name="Height">Their distance under the linkage.</param>
/// <param name="Size">Points of the merged cluster.</param>
public readonly record struct Merge(int A, int B, double Height, int Size);

/// <summary>Merges found in any order, put in scipy's order and cut into clusters.</summary>
internal static class MergeTree
{
    /// <summary>A tree from its edges: points of either side and the height at which the sides join.</summary>
    /// <param name="edges">n - 1 edges that connect all points; equal heights keep their order.</param>
    /// <param name="n">Number of points.</param>
    public static Merge[] Build(IEnumerable<(int A, int B, double Height)> edges, int n)
    {
        var (sets, number, size) = (new DisjointSets(n), Enumerable.Range(0, n).ToArray(), new int[n]);
        Array.Fill(size, 1);
        var merges = new List<Merge>(Math.Max(n - 1, 0));
        foreach (var (a, b, height) in edges.OrderBy(e => e.Height))
        {
            var (left, right) = (sets.Find(a), sets.Find(b));
            var (first, second) = (Math.Min(number[left], number[right]), Math.Max(number[left], number[right]));
            var total = size[left] + size[right];
            merges.Add(new Merge(first, second, height, total));
            var root = sets.Join(left, right);
            (number[root], size[root]) = (n + merges.Count - 1, total);
        }
        return [.. merges];
    }

    /// <summary>[n]: the clusters that are left when all but the last k - 1 merges are done, numbered by first appearance.</summary>
    public static int[] Cut(Merge[] merges, int n, int k)
    {
        var sets = new DisjointSets(n);
        var member = new int[n + merges.Length];
        for (var i = 0; i < member.Length; i++)
        {
            member[i] = i < n ? i : member[merges[i - n].A];
        }
        for (var m = 0; m < n - k; m++)
        {
            sets.Join(member[merges[m].A], member[merges[m].B]);
        }
        return FirstAppearance.Number(Enumerable.Range(0, n).Select(sets.Find));
    }
}
