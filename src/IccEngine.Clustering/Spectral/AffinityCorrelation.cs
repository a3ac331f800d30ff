using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>How alike two affinities of the same points are.</summary>
public static class AffinityCorrelation
{
    private const int MostRows = 256;

    /// <summary>
    /// Pearson's correlation of the entries off the diagonal, of at most 256 evenly chosen rows; 0 where it is not defined, because the
    /// entries of one of them are all equal.
    /// </summary>
    /// <param name="backend">Whose matrices they are.</param>
    /// <param name="a">[n, n], symmetric, F64.</param>
    /// <param name="b">[n, n], symmetric, F64.</param>
    /// <exception cref="IccArgumentException">The matrices are not square, or not of one size.</exception>
    public static double Of(IBackend backend, Tensor a, Tensor b)
    {
        var n = Check.SquareShape(a, "a", least: 2);
        Check.Length(Check.SquareShape(b, "b", least: 2), n, "b");
        var (x, y) = (new List<double>(), new List<double>());
        var row = new double[n];
        var step = (n + MostRows - 1) / MostRows;
        for (var i = 0; i < n; i += step)
        {
            backend.Read(a.Row(i), row);
            x.AddRange([.. row[..i], .. row[(i + 1)..]]);
            backend.Read(b.Row(i), row);
            y.AddRange([.. row[..i], .. row[(i + 1)..]]);
        }
        var (meanX, meanY) = (x.Average(), y.Average());
        var (both, squaresX, squaresY) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Count; i++)
        {
            var (dx, dy) = (x[i] - meanX, y[i] - meanY);
            both += dx * dy;
            squaresX += dx * dx;
            squaresY += dy * dy;
        }
        var scale = Math.Sqrt(squaresX) * Math.Sqrt(squaresY);
        return scale > 0 ? both / scale : 0;
    }
}
