using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>All eigenvalues and eigenvectors of a dense symmetric matrix: the slow twin of <see cref="Lanczos"/>.</summary>
public static class SymmetricEigen
{
    /// <summary>
    /// Householder tridiagonalisation and the implicit QL algorithm, about 9 n^3 operations; errors are a small multiple of the
    /// machine epsilon times the largest eigenvalue, whatever the spectrum.
    /// </summary>
    /// <param name="a">Symmetric matrix [n, n] row-major; only the entries on and above the diagonal are read.</param>
    /// <param name="n">Its order, at least 1.</param>
    /// <returns>All n pairs, eigenvalues ascending.</returns>
    /// <exception cref="IccArgumentException">A length that does not match, or an entry that is not finite.</exception>
    public static EigenPairs Dense(ReadOnlySpan<double> a, int n)
    {
        Check.Square(a, n, "matrix");
        var work = a.ToArray();
        // Scaled by a power of two, so that squares neither overflow nor vanish and the eigenvalues scale back without rounding.
        var largest = TensorPrimitives.MaxMagnitude<double>(work);
        var exponent = largest == 0 ? 0 : Math.ILogB(largest);
        for (var i = 0; i < n; i++)
        {
            for (var j = i; j < n; j++)
            {
                work[j * n + i] = work[i * n + j] = Math.ScaleB(work[i * n + j], -exponent);
            }
        }
        var (d, e, beta) = (new double[n], new double[n], new double[n]);
        Tridiagonalise(work, n, d, e, beta);
        var pairs = Tridiagonal.Pairs(d, e);
        for (var i = 0; i < n; i++)
        {
            pairs.Values[i] = Math.ScaleB(pairs.Values[i], exponent);
            Reflect(work, n, beta, pairs.Vectors.AsSpan(i * n, n));
        }
        return pairs;
    }

    /// <summary>
    /// Reduces a full symmetric matrix to tridiagonal form by n - 2 reflections I - beta v v'. Row k keeps its v (right of the diagonal).
    /// </summary>
    private static void Tridiagonalise(double[] a, int n, double[] d, double[] e, double[] beta)
    {
        var w = new double[n];
        for (var k = 0; k < n; k++)
        {
            d[k] = a[k * n + k];
            var v = a.AsSpan(k * n + k + 1, n - k - 1);
            if (v.Length == 0)
            {
                break;
            }
            e[k] = v[0];
            var norm = TensorPrimitives.Norm<double>(v);
            if (v.Length == 1 || norm <= Math.Abs(v[0]))
            {
                continue;
            }
            // The sign that adds magnitudes: no cancellation in v[0].
            e[k] = -Math.CopySign(norm, v[0]);
            v[0] -= e[k];
            beta[k] = 2 / TensorPrimitives.Dot<double>(v, v);
            var p = w.AsSpan(0, v.Length);
            for (var i = 0; i < v.Length; i++)
            {
                p[i] = beta[k] * TensorPrimitives.Dot(a.AsSpan((k + 1 + i) * n + k + 1, v.Length), v);
            }
            Vectors.AddScaled(v, -0.5 * beta[k] * TensorPrimitives.Dot<double>(p, v), p);
            for (var i = 0; i < v.Length; i++)
            {
                var row = a.AsSpan((k + 1 + i) * n + k + 1, v.Length);
                Vectors.AddScaled(p, -v[i], row);
                Vectors.AddScaled(v, -p[i], row);
            }
        }
    }

    /// <summary>Turns an eigenvector of the tridiagonal matrix into one of the matrix: the reflections, last first.</summary>
    private static void Reflect(double[] a, int n, double[] beta, Span<double> x)
    {
        for (var k = n - 3; k >= 0; k--)
        {
            if (beta[k] != 0)
            {
                var v = a.AsSpan(k * n + k + 1, n - k - 1);
                var tail = x[(k + 1)..];
                Vectors.AddScaled(v, -beta[k] * TensorPrimitives.Dot<double>(v, tail), tail);
            }
        }
    }
}
