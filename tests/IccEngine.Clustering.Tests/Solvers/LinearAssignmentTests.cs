using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class LinearAssignmentTests
{
    [Fact]
    public void Agrees_with_trying_all_assignments()
    {
        var random = new SeededRandom(5);
        for (var trial = 0; trial < 400; trial++)
        {
            var (rows, columns) = (1 + random.Next(5), 1 + random.Next(5));
            // Small integers make ties, fractions make none.
            var cost = Enumerable.Range(0, rows * columns).Select(_ => trial % 2 == 0 ? random.Next(7) - 3.0 : random.NextDouble()).ToArray();
            foreach (var maximize in new[] { false, true })
            {
                var partner = LinearAssignment.Solve(cost, rows, columns, maximize);
                var pairs = partner.Where(j => j >= 0).ToArray();
                Assert.Equal(Math.Min(rows, columns), pairs.Length);
                Assert.Equal(pairs.Length, pairs.Distinct().Count());
                var total = Enumerable.Range(0, rows).Where(i => partner[i] >= 0).Sum(i => cost[i * columns + partner[i]]);
                Near.Equal(Best(cost, rows, columns, maximize, 0, 0), total, 1e-12, 0, $"{rows} x {columns}, maximize {maximize}");
            }
        }
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<IccArgumentException>(() => LinearAssignment.Solve([], 0, 3));
        Assert.Throws<IccArgumentException>(() => LinearAssignment.Solve([1, 2, 3], 2, 2));
        Assert.Throws<IccArgumentException>(() => LinearAssignment.Solve([1, double.NaN], 1, 2));
        Assert.Throws<IccArgumentException>(() => LinearAssignment.Solve([], 100_000, 100_000));
    }

    private static double Best(double[] cost, int rows, int columns, bool maximize, int row, int used)
    {
        if (row == rows)
        {
            return int.PopCount(used) == Math.Min(rows, columns) ? 0 : maximize ? double.NegativeInfinity : double.PositiveInfinity;
        }
        var best = Best(cost, rows, columns, maximize, row + 1, used);
        for (var j = 0; j < columns; j++)
        {
            if ((used >> j & 1) == 0)
            {
                var total = cost[row * columns + j] + Best(cost, rows, columns, maximize, row + 1, used | 1 << j);
                best = maximize ? Math.Max(best, total) : Math.Min(best, total);
            }
        }
        return best;
    }
}
