using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// How often each true label meets each predicted one. Only cells that occur are kept, so that n different labels on both sides cost n
/// cells and not n^2.
/// </summary>
internal sealed class ContingencyTable
{
    /// <summary>Counts the pairs of labels.</summary>
    /// <exception cref="IccArgumentException">No points, or lists of different lengths.</exception>
    public ContingencyTable(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        if (labelsTrue.IsEmpty)
        {
            throw new IccArgumentException("labels: found no points, expected at least 1");
        }
        Check.Length(labelsPred.Length, labelsTrue.Length, "predicted labels");
        N = labelsTrue.Length;
        var (rows, columns) = (Rank(labelsTrue, out var rowCount), Rank(labelsPred, out var columnCount));
        (RowSums, ColumnSums) = (new long[rowCount], new long[columnCount]);
        var cells = new Dictionary<(int, int), long>();
        for (var i = 0; i < N; i++)
        {
            RowSums[rows[i]]++;
            ColumnSums[columns[i]]++;
            cells[(rows[i], columns[i])] = cells.GetValueOrDefault((rows[i], columns[i])) + 1;
        }
        Cells = [.. cells.Select(c => (c.Key.Item1, c.Key.Item2, c.Value)).Order()];
    }

    /// <summary>Number of points.</summary>
    public long N { get; }

    /// <summary>Points of each true label.</summary>
    public long[] RowSums { get; }

    /// <summary>Points of each predicted label.</summary>
    public long[] ColumnSums { get; }

    /// <summary>The cells that are not zero, by row and column.</summary>
    public (int Row, int Column, long Count)[] Cells { get; }

    /// <summary>Whether both labelings split the points alike.</summary>
    public bool SamePartition => Cells.Length == RowSums.Length && Cells.Length == ColumnSums.Length;

    /// <summary>Replaces every label by its rank among the distinct ones.</summary>
    public static int[] Rank(ReadOnlySpan<int> labels, out int count)
    {
        var distinct = labels.ToArray().Distinct().Order().ToArray();
        count = distinct.Length;
        var ranks = new int[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            ranks[i] = Array.BinarySearch(distinct, labels[i]);
        }
        return ranks;
    }
}
