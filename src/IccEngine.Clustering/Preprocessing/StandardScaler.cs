namespace IccEngine.Clustering;

/// <summary>
/// scikit-learn's StandardScaler: z = (x - mean) / deviation, column by column, with the population deviation. A constant column has
/// deviation 1 here, so that it becomes zeros.
/// </summary>
public sealed class StandardScaler
{
    private StandardScaler(double[] mean, double[] scale) => (Mean, Scale) = (mean, scale);

    /// <summary>[d]: means of the columns.</summary>
    public double[] Mean { get; }

    /// <summary>[d]: deviations of the columns, 1 for a constant one.</summary>
    public double[] Scale { get; }

    /// <summary>Learns means and deviations.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 1.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public static StandardScaler Fit(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        var (mean, scale) = (new double[d], new double[d]);
        for (var j = 0; j < d; j++)
        {
            var (sum, constant) = (0.0, true);
            for (var i = 0; i < n; i++)
            {
                sum += x[i * d + j];
                constant &= x[i * d + j] == x[j];
            }
            // The mean of equal numbers need not be that number in floating point; here it must.
            mean[j] = constant ? x[j] : sum / n;
            var squares = 0.0;
            for (var i = 0; i < n; i++)
            {
                squares += (x[i * d + j] - mean[j]) * (x[i * d + j] - mean[j]);
            }
            // A variance within the rounding of the mean is none (scikit-learn's bound).
            var bound = n * 2.220446049250313e-16;
            var variance = squares / n;
            scale[j] = variance <= bound * variance + bound * mean[j] * bound * mean[j] ? 1 : Math.Sqrt(variance);
        }
        return new StandardScaler(mean, scale);
    }

    /// <summary>Standardised points [n, d].</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public double[] Transform(ReadOnlySpan<double> x, int n)
    {
        Check.Points(x, n, Mean.Length);
        var z = new double[x.Length];
        for (var i = 0; i < z.Length; i++)
        {
            z[i] = (x[i] - Mean[i % Mean.Length]) / Scale[i % Mean.Length];
        }
        return z;
    }

    /// <summary>The points [n, d] that <see cref="Transform"/> made <paramref name="z"/> from.</summary>
    /// <param name="z">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public double[] InverseTransform(ReadOnlySpan<double> z, int n)
    {
        Check.Points(z, n, Mean.Length);
        var x = new double[z.Length];
        for (var i = 0; i < x.Length; i++)
        {
            x[i] = z[i] * Scale[i % Mean.Length] + Mean[i % Mean.Length];
        }
        return x;
    }
}
