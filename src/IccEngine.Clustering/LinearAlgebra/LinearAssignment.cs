using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The assignment problem: scipy's linear_sum_assignment.</summary>
public static class LinearAssignment
{
    /// <summary>Matrices beyond this would ask for gigabytes and hours.</summary>
    internal const long MaxEntries = 1L << 24;

    /// <summary>
    /// Pairs rows with columns one to one so that the sum of the costs of the min(rows, columns) pairs is least: shortest augmenting
    /// paths with potentials (Kuhn 1955, Jonker and Volgenant 1987), O(min^2 max).
    /// </summary>
    /// <param name="cost">[rows, columns] row-major, finite.</param>
    /// <param name="rows">Number of rows, at least 1.</param>
    /// <param name="columns">Number of columns, at least 1.</param>
    /// <param name="maximize">The greatest sum instead of the least.</param>
    /// <returns>[rows]: the column of each row, or -1 for a row left over.</returns>
    /// <exception cref="IccArgumentException">No rows or columns, more than 2^24 entries, a length that does not match, an entry that is
    /// not finite.</exception>
    public static int[] Solve(ReadOnlySpan<double> cost, int rows, int columns, bool maximize = false)
    {
        if (rows < 1 || columns < 1 || (long)rows * columns > MaxEntries)
        {
            throw new IccArgumentException($"assignment: found {rows} x {columns}, expected at least 1 x 1 and at most {MaxEntries} entries");
        }
        Check.Length(cost.Length, rows * columns, "assignment costs");
        // Rows must be the fewer, for each of them gets a partner.
        var transposed = rows > columns;
        var (few, many) = transposed ? (columns, rows) : (rows, columns);
        var c = new double[cost.Length];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
            {
                var value = cost[i * columns + j];
                if (!double.IsFinite(value))
                {
                    throw new IccArgumentException($"assignment costs, row {i}, column {j}: found {Check.Text(value)}, expected a finite number");
                }
                c[transposed ? j * rows + i : i * columns + j] = maximize ? -value : value;
            }
        }
        var rowOf = Match(c, few, many);
        var result = new int[rows];
        Array.Fill(result, -1);
        for (var j = 0; j < many; j++)
        {
            if (rowOf[j] >= 0)
            {
                (result[transposed ? j : rowOf[j]]) = transposed ? rowOf[j] : j;
            }
        }
        return result;
    }

    /// <summary>For each of the many columns its row, or -1.</summary>
    private static int[] Match(double[] c, int few, int many)
    {
        var (u, v) = (new double[few], new double[many]);
        var (rowOf, previous, shortest, done) = (new int[many], new int[many], new double[many], new bool[many]);
        Array.Fill(rowOf, -1);
        for (var start = 0; start < few; start++)
        {
            Array.Fill(shortest, double.PositiveInfinity);
            Array.Clear(done);
            var (row, column, length) = (start, -1, 0.0);
            // Dijkstra over reduced costs until an unmatched column is reached.
            do
            {
                var next = -1;
                for (var j = 0; j < many; j++)
                {
                    if (done[j])
                    {
                        continue;
                    }
                    var through = length + c[row * many + j] - u[row] - v[j];
                    if (through < shortest[j])
                    {
                        (shortest[j], previous[j]) = (through, column);
                    }
                    if (next < 0 || shortest[j] < shortest[next])
                    {
                        next = j;
                    }
                }
                column = next;
                length = shortest[column];
                done[column] = true;
                row = rowOf[column];
            }
            while (row >= 0);
            u[start] += length;
            for (var j = 0; j < many; j++)
            {
                if (done[j] && rowOf[j] >= 0)
                {
                    u[rowOf[j]] += length - shortest[j];
                }
                if (done[j])
                {
                    v[j] -= length - shortest[j];
                }
            }
            while (column >= 0)
            {
                var before = previous[column];
                rowOf[column] = before < 0 ? start : rowOf[before];
                column = before;
            }
        }
        return rowOf;
    }
}
