namespace IccEngine.FitCounts;

/// <summary>
/// Weights under which the right candidates are likeliest when each is chosen with a probability in proportion to exp(weights x) (McFadden
/// 1974), by Newton's method; a slight pull to 0, on columns of deviation 1, keeps them finite where candidates are separable.
/// </summary>
internal static class ConditionalLogit
{
    private const double Ridge = 1e-3;
    private const int Steps = 50;

    /// <param name="episodes">For each episode its candidates, each a row of criteria, and which of them is right.</param>
    /// <returns>A weight for each criterion, in its own unit.</returns>
    public static double[] Fit(IReadOnlyList<(double[][] Candidates, int Right)> episodes)
    {
        var columns = episodes[0].Candidates[0].Length;
        double[] scale = [.. Enumerable.Range(0, columns).Select(j => Deviation([.. episodes.SelectMany(e => e.Candidates).Select(c => c[j])]))];
        var weights = new double[columns];
        for (var step = 0; step < Steps; step++)
        {
            var gradient = Array.ConvertAll(weights, w => Ridge * episodes.Count * w);
            var hessian = new double[columns, columns];
            for (var j = 0; j < columns; j++)
            {
                hessian[j, j] = Ridge * episodes.Count;
            }
            foreach (var (candidates, right) in episodes)
            {
                Add(Array.ConvertAll(candidates, c => c.Select((v, j) => v / scale[j]).ToArray()), right, weights, gradient, hessian);
            }
            var change = Solve(hessian, gradient);
            for (var j = 0; j < columns; j++)
            {
                weights[j] -= change[j];
            }
        }
        return [.. weights.Select((w, j) => w / scale[j])];
    }

    /// <summary>Adds an episode to the derivatives of the negative logarithm of the likelihood.</summary>
    private static void Add(double[][] x, int right, double[] weights, double[] gradient, double[,] hessian)
    {
        var scores = Array.ConvertAll(x, row => row.Zip(weights, (v, w) => v * w).Sum());
        var shares = Array.ConvertAll(scores, s => Math.Exp(s - scores.Max()));
        shares = Array.ConvertAll(shares, s => s / shares.Sum());
        double[] mean = [.. Enumerable.Range(0, weights.Length).Select(j => x.Select((row, i) => shares[i] * row[j]).Sum())];
        for (var a = 0; a < weights.Length; a++)
        {
            gradient[a] += mean[a] - x[right][a];
            for (var b = 0; b < weights.Length; b++)
            {
                hessian[a, b] += x.Select((row, i) => shares[i] * (row[a] - mean[a]) * (row[b] - mean[b])).Sum();
            }
        }
    }

    /// <summary>Gauss's elimination; the matrix is positive definite.</summary>
    private static double[] Solve(double[,] matrix, double[] right)
    {
        var (n, a, x) = (right.Length, (double[,])matrix.Clone(), right.ToArray());
        for (var i = 0; i < n; i++)
        {
            for (var row = i + 1; row < n; row++)
            {
                var factor = a[row, i] / a[i, i];
                for (var j = i; j < n; j++)
                {
                    a[row, j] -= factor * a[i, j];
                }
                x[row] -= factor * x[i];
            }
        }
        for (var i = n - 1; i >= 0; i--)
        {
            for (var j = i + 1; j < n; j++)
            {
                x[i] -= a[i, j] * x[j];
            }
            x[i] /= a[i, i];
        }
        return x;
    }

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Max(1e-9, Math.Sqrt(values.Average(v => (v - mean) * (v - mean))));
    }
}
