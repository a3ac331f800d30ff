using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// Scores of a clustering, named as in scikit-learn. Label values are names only: any int will do, and renaming them changes nothing.
/// The padding -1 of an answer that is too short is a label like any other. Every score of two label lists throws
/// <see cref="IccArgumentException"/> where they are empty or of different lengths.
/// </summary>
public static partial class Metrics
{
    /// <summary>The share of points that agree under the best one-to-one matching of predicted with true labels (Hungarian method).</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>0 to 1; points of predicted labels left without a partner count as misses.</returns>
    /// <exception cref="IccArgumentException">As for every score; also where the table of labels has more than 2^24 cells.</exception>
    public static double Accuracy(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        var (rows, columns) = (table.RowSums.Length, table.ColumnSums.Length);
        if ((long)rows * columns > LinearAssignment.MaxEntries)
        {
            throw new IccArgumentException($"labels: found {rows} true and {columns} predicted values, expected a table of at most "
                + $"{LinearAssignment.MaxEntries} cells");
        }
        var counts = new double[rows * columns];
        foreach (var (row, column, count) in table.Cells)
        {
            counts[row * columns + column] = count;
        }
        var partner = LinearAssignment.Solve(counts, rows, columns, maximize: true);
        var hits = table.Cells.Where(c => partner[c.Row] == c.Column).Sum(c => c.Count);
        return (double)hits / table.N;
    }

    /// <summary>The share of points that carry the most frequent true label of their predicted cluster.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>Above 0, at most 1.</returns>
    public static double Purity(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        var most = new long[table.ColumnSums.Length];
        foreach (var (_, column, count) in table.Cells)
        {
            most[column] = Math.Max(most[column], count);
        }
        return (double)most.Sum() / table.N;
    }

    /// <summary>
    /// Ordered pairs of points by whether they are together: [0,0] in neither labeling, [0,1] in the predicted only, [1,0] in the true
    /// only, [1,1] in both.
    /// </summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>[2, 2]; the sum is n (n - 1).</returns>
    public static long[,] PairConfusion(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        var both = table.Cells.Sum(c => c.Count * c.Count);
        var onlyTrue = table.RowSums.Sum(c => c * c) - both;
        var onlyPred = table.ColumnSums.Sum(c => c * c) - both;
        return new[,] { { table.N * table.N - onlyTrue - onlyPred - both, onlyPred }, { onlyTrue, both - table.N } };
    }

    /// <summary>The share of pairs on which both labelings agree (Rand 1971); 1 where there is no pair.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double RandIndex(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var pairs = PairConfusion(labelsTrue, labelsPred);
        var agreeing = pairs[0, 0] + pairs[1, 1];
        var all = agreeing + pairs[0, 1] + pairs[1, 0];
        return all == 0 ? 1 : (double)agreeing / all;
    }

    /// <summary>The Rand index corrected for chance (Hubert and Arabie 1985); 1 where both split the points alike.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double AdjustedRandIndex(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var pairs = PairConfusion(labelsTrue, labelsPred);
        double tn = pairs[0, 0], fp = pairs[0, 1], fn = pairs[1, 0], tp = pairs[1, 1];
        return fn == 0 && fp == 0 ? 1 : 2 * (tp * tn - fn * fp) / ((tp + fn) * (fn + tn) + (tp + fp) * (fp + tn));
    }

    /// <summary>
    /// The geometric mean of pairwise precision and recall (Fowlkes and Mallows 1983); 0 where no pair is together in both labelings, even
    /// for two equal labelings of all different labels.
    /// </summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double FowlkesMallows(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var pairs = PairConfusion(labelsTrue, labelsPred);
        double fp = pairs[0, 1], fn = pairs[1, 0], tp = pairs[1, 1];
        return tp == 0 ? 0 : Math.Sqrt(tp / (tp + fp)) * Math.Sqrt(tp / (tp + fn));
    }
}
