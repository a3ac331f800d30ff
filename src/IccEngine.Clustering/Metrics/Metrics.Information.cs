namespace IccEngine.Clustering;

public static partial class Metrics
{
    /// <summary>Beside the largest weight 1, weights below this and all that follow are nothing.</summary>
    private const double NegligibleWeight = 1e-40;

    /// <summary>Mutual information of two labelings.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>In nats, 0 or more.</returns>
    public static double MutualInfo(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred) =>
        MutualInfo(new ContingencyTable(labelsTrue, labelsPred));

    /// <summary>Mutual information over the arithmetic mean of the entropies; 1 where both labelings are a single cluster.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double NormalizedMutualInfo(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        var mean = (Entropy(table.RowSums, table.N) + Entropy(table.ColumnSums, table.N)) / 2;
        return mean == 0 ? 1 : MutualInfo(table) / mean;
    }

    /// <summary>
    /// Mutual information corrected for chance (Vinh, Epps and Bailey 2010), over the arithmetic mean of the entropies corrected alike; 1
    /// where both split the points alike.
    /// </summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double AdjustedMutualInfo(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        // With all labels different on both sides, expectation and maximum coincide as well: 0 / 0.
        if (table.SamePartition)
        {
            return 1;
        }
        var expected = ExpectedMutualInfo(table);
        var mean = (Entropy(table.RowSums, table.N) + Entropy(table.ColumnSums, table.N)) / 2;
        return (MutualInfo(table) - expected) / (mean - expected);
    }

    /// <summary>How far every predicted cluster holds one true label only: mutual information over the entropy of the true labels.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>0 to 1; 1 where there is one true label.</returns>
    public static double Homogeneity(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        return table.RowSums.Length == 1 ? 1 : MutualInfo(table) / Entropy(table.RowSums, table.N);
    }

    /// <summary>How far every true label lies in one predicted cluster: homogeneity with the sides exchanged.</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    /// <returns>0 to 1; 1 where there is one predicted cluster.</returns>
    public static double Completeness(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var table = new ContingencyTable(labelsTrue, labelsPred);
        return table.ColumnSums.Length == 1 ? 1 : MutualInfo(table) / Entropy(table.ColumnSums, table.N);
    }

    /// <summary>The harmonic mean of homogeneity and completeness (Rosenberg and Hirschberg 2007).</summary>
    /// <param name="labelsTrue">[n].</param>
    /// <param name="labelsPred">[n].</param>
    public static double VMeasure(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred)
    {
        var (h, c) = (Homogeneity(labelsTrue, labelsPred), Completeness(labelsTrue, labelsPred));
        return h + c == 0 ? 0 : 2 * h * c / (h + c);
    }

    private static double Entropy(long[] counts, long n)
    {
        var sum = 0.0;
        foreach (var count in counts)
        {
            sum -= (double)count / n * Math.Log((double)count / n);
        }
        return sum;
    }

    private static double MutualInfo(ContingencyTable table)
    {
        double n = table.N;
        var sum = 0.0;
        foreach (var (row, column, count) in table.Cells)
        {
            sum += count / n * Math.Log(n * count / ((double)table.RowSums[row] * table.ColumnSums[column]));
        }
        return Math.Max(sum, 0);
    }

    /// <summary>
    /// The mean of the mutual information over all labelings of the same cluster sizes. Clusters of one size share their term; there are
    /// fewer than sqrt(2 n) sizes, so many small clusters stay cheap.
    /// </summary>
    private static double ExpectedMutualInfo(ContingencyTable table)
    {
        var sum = 0.0;
        foreach (var rows in table.RowSums.GroupBy(s => s))
        {
            foreach (var columns in table.ColumnSums.GroupBy(s => s))
            {
                sum += ExpectedTerm(rows.Key, columns.Key, table.N) * rows.Count() * columns.Count();
            }
        }
        return sum;
    }

    /// <summary>
    /// The mean of m/n ln(n m / (a b)) for the overlap m of random sets of a and b among n points. Its hypergeometric weights follow from each
    /// other, outwards from the largest, and are divided by their sum: no logarithm of a factorial loses digits.
    /// </summary>
    private static double ExpectedTerm(double a, double b, double n)
    {
        var (least, most) = (Math.Max(0, a + b - n), Math.Min(a, b));
        var mode = Math.Clamp(Math.Floor((a + 1) * (b + 1) / (n + 2)), least, most);
        var (weights, terms) = (0.0, 0.0);
        void Add(double m, double weight)
        {
            weights += weight;
            terms += m == 0 ? 0 : weight * m / n * Math.Log(n * m / (a * b));
        }
        Add(mode, 1);
        var w = 1.0;
        for (var m = mode; m < most && w > NegligibleWeight; m++)
        {
            w *= (a - m) * (b - m) / ((m + 1) * (n - a - b + m + 1));
            Add(m + 1, w);
        }
        w = 1;
        for (var m = mode; m > least && w > NegligibleWeight; m--)
        {
            w *= m * (n - a - b + m) / ((a - m + 1) * (b - m + 1));
            Add(m - 1, w);
        }
        return terms / weights;
    }
}
