using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

/// <summary>The correlation of two affinities.</summary>
public class AffinityCorrelationTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(300)] // more than the rows that are looked at
    public void Is_pearsons_off_the_diagonal(int n)
    {
        var random = new Random(n);
        var (a, b) = (Symmetric(n, () => random.NextDouble()), Symmetric(n, () => random.NextDouble()));
        var mixed = a.Select((v, i) => i / n == i % n ? 1e6 : v + 0.5 * b[i]).ToArray();
        var found = Of(a, mixed, n);
        var step = (n + 255) / 256;
        var cells = (from i in Enumerable.Range(0, n) where i % step == 0 from j in Enumerable.Range(0, n) where i != j select i * n + j).ToArray();
        var (meanA, meanB) = (cells.Average(c => a[c]), cells.Average(c => mixed[c]));
        var expected = cells.Sum(c => (a[c] - meanA) * (mixed[c] - meanB))
            / Math.Sqrt(cells.Sum(c => Math.Pow(a[c] - meanA, 2)) * cells.Sum(c => Math.Pow(mixed[c] - meanB, 2)));
        Assert.Equal(expected, found, 1e-12);
        Assert.Equal(1, Of(a, a, n), 1e-12);
        Assert.Equal(-1, Of(a, [.. a.Select(v => 3 - v)], n), 1e-12);
        Assert.Equal(0, Of(a, Symmetric(n, () => 2), n));
    }

    private static double[] Symmetric(int n, Func<double> draw)
    {
        var values = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                values[i * n + j] = values[j * n + i] = draw();
            }
        }
        return values;
    }

    private static double Of(double[] a, double[] b, int n)
    {
        using var backend = new ReferenceBackend<double>();
        var (x, y) = (backend.Allocate(new Shape(n, n), DType.F64), backend.Allocate(new Shape(n, n), DType.F64));
        backend.Write(a, x);
        backend.Write(b, y);
        return AffinityCorrelation.Of(backend, x, y);
    }
}
