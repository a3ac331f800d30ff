namespace IccEngine.Clustering;

public sealed partial class SeededRandom
{
    /// <summary>Standard normal, by the polar method (Marsaglia and Bray 1964).</summary>
    public double NextNormal()
    {
        while (true)
        {
            var (u, v) = (2 * NextDouble() - 1, 2 * NextDouble() - 1);
            var s = u * u + v * v;
            if (s > 0 && s < 1)
            {
                return u * Math.Sqrt(-2 * Math.Log(s) / s);
            }
        }
    }

    /// <summary>Gamma of unit scale (Marsaglia and Tsang 2000); below shape 1 by the power of a uniform number.</summary>
    /// <param name="shape">Above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The shape is not above 0.</exception>
    public double NextGamma(double shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shape);
        if (shape < 1)
        {
            return NextGamma(shape + 1) * Math.Pow(1 - NextDouble(), 1 / shape);
        }
        var d = shape - 1.0 / 3;
        while (true)
        {
            var x = NextNormal();
            var v = Math.Pow(1 + x / Math.Sqrt(9 * d), 3);
            // 1 - u is never 0.
            if (v > 0 && Math.Log(1 - NextDouble()) < x * x / 2 + d - d * v + d * Math.Log(v))
            {
                return d * v;
            }
        }
    }

    /// <summary>Student's t of unit scale: a normal number over the root of chi-squared / df.</summary>
    /// <param name="df">Degrees of freedom, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The degrees of freedom are not above 0.</exception>
    public double NextStudentT(double df) => NextNormal() / Math.Sqrt(2 * NextGamma(df / 2) / df);

    /// <summary>Numbers 0 .. n - 1 in random order (Fisher and Yates).</summary>
    public int[] Permutation(int n) => Sample(n, n);

    /// <summary>Different numbers of 0 .. n - 1 in random order.</summary>
    /// <param name="n">How many there are.</param>
    /// <param name="count">How many are wanted, 0 to n.</param>
    /// <exception cref="ArgumentOutOfRangeException">More are wanted than there are.</exception>
    public int[] Sample(int n, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, n);
        var numbers = new int[n];
        for (var i = 0; i < n; i++)
        {
            numbers[i] = i;
        }
        for (var i = 0; i < count; i++)
        {
            var j = i + Next(n - i);
            (numbers[i], numbers[j]) = (numbers[j], numbers[i]);
        }
        return count == n ? numbers : numbers[..count];
    }
}
