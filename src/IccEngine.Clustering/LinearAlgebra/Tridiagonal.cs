namespace IccEngine.Clustering;

/// <summary>Eigenvalues of a symmetric tridiagonal matrix by the implicit QL algorithm (Dubrulle, Martin, Wilkinson 1968).</summary>
internal static class Tridiagonal
{
    private const double Epsilon = 2.220446049250313e-16;
    private const int MaxSweeps = 200;

    /// <summary>All eigenpairs, values ascending; both arguments are destroyed.</summary>
    /// <param name="d">Diagonal [n].</param>
    /// <param name="e">Below the diagonal [n], the last entry unused.</param>
    public static EigenPairs Pairs(double[] d, double[] e)
    {
        var n = d.Length;
        var z = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            z[i * n + i] = 1;
        }
        Solve(d, e, z, n);
        var order = Enumerable.Range(0, n).ToArray();
        Array.Sort(d, order);
        var vectors = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            z.AsSpan(order[i] * n, n).CopyTo(vectors.AsSpan(i * n, n));
        }
        return new EigenPairs(d, vectors);
    }

    /// <summary>
    /// Replaces the diagonal by the eigenvalues (in no order) and applies every rotation to <paramref name="z"/>: with the identity in
    /// it, row j becomes the eigenvector of value j; with fewer columns of the identity, those entries of every eigenvector.
    /// </summary>
    /// <param name="d">Diagonal [n]; becomes the eigenvalues.</param>
    /// <param name="e">Below the diagonal [n], the last entry unused; destroyed.</param>
    /// <param name="z">[n, width] row-major.</param>
    /// <param name="width">Columns of <paramref name="z"/>.</param>
    public static void Solve(Span<double> d, Span<double> e, Span<double> z, int width)
    {
        e[^1] = 0;
        for (var l = 0; l < d.Length; l++)
        {
            for (var sweep = 0; ; sweep++)
            {
                var m = FirstNegligible(d, e, l);
                if (m == l)
                {
                    break;
                }
                if (sweep == MaxSweeps)
                {
                    throw new ArithmeticException("the QL algorithm did not converge; the matrix has entries that are not finite");
                }
                Sweep(d, e, z, width, l, m);
            }
        }
    }

    private static int FirstNegligible(ReadOnlySpan<double> d, ReadOnlySpan<double> e, int l)
    {
        var m = l;
        while (m < d.Length - 1 && Math.Abs(e[m]) > Epsilon * (Math.Abs(d[m]) + Math.Abs(d[m + 1])) + double.Epsilon)
        {
            m++;
        }
        return m;
    }

    /// <summary>One implicit step on the unreduced block l..m, with Wilkinson's shift.</summary>
    private static void Sweep(Span<double> d, Span<double> e, Span<double> z, int width, int l, int m)
    {
        var g = (d[l + 1] - d[l]) / (2 * e[l]);
        g = d[m] - d[l] + e[l] / (g + Math.CopySign(double.Hypot(g, 1), g));
        var (s, c, p) = (1.0, 1.0, 0.0);
        for (var i = m - 1; i >= l; i--)
        {
            var f = s * e[i];
            var b = c * e[i];
            var r = Norm(f, g);
            e[i + 1] = r;
            if (r == 0)
            {
                // The block fell apart on the way; what is left is found by the next search.
                d[i + 1] -= p;
                e[m] = 0;
                return;
            }
            s = f / r;
            c = g / r;
            g = d[i + 1] - p;
            r = (d[i] - g) * s + 2 * c * b;
            p = s * r;
            d[i + 1] = g + p;
            g = c * r - b;
            if (width == 1)
            {
                (z[i], z[i + 1]) = (z[i] * c - z[i + 1] * s, z[i] * s + z[i + 1] * c);
            }
            else
            {
                Vectors.Rotate(z.Slice(i * width, width), z.Slice((i + 1) * width, width), c, s);
            }
        }
        d[l] -= p;
        e[l] = g;
        e[m] = 0;
    }

    /// <summary>The root of f^2 + g^2; slowly only where squares would overflow or vanish.</summary>
    private static double Norm(double f, double g)
    {
        var square = f * f + g * g;
        return square is > 1e-280 and < 1e280 ? Math.Sqrt(square) : double.Hypot(f, g);
    }
}
