using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What a density needs of a covariance: the length of a vector in its units, and its determinant.</summary>
internal abstract class CovarianceFactor
{
    /// <summary>Natural logarithm of the determinant of the d x d matrix.</summary>
    public abstract double LogDeterminant { get; }

    /// <summary>v' C^-1 v for v [d]; <paramref name="work"/> [d] is overwritten.</summary>
    public abstract double SquaredLength(double[] v, double[] work);

    /// <summary>Of a variance [1], of variances [d], or of a matrix [d, d].</summary>
    /// <exception cref="IccArgumentException">It is not positive definite.</exception>
    public static CovarianceFactor Of(ReadOnlySpan<double> covariance, int d, string what) =>
        covariance.Length == d || covariance.Length == 1
            ? new Variances(Positive(covariance, what), d)
            : new Matrix(Cholesky(covariance, d, what), d);

    /// <summary>The inverse, in the same shape.</summary>
    /// <exception cref="IccArgumentException">It is not positive definite.</exception>
    public static void Invert(ReadOnlySpan<double> precision, int d, Span<double> covariance, string what)
    {
        if (precision.Length == d || precision.Length == 1)
        {
            var positive = Positive(precision, what);
            for (var j = 0; j < positive.Length; j++)
            {
                covariance[j] = 1 / positive[j];
            }
            return;
        }
        var lower = Cholesky(precision, d, what);
        var column = new double[d];
        for (var j = 0; j < d; j++)
        {
            Array.Clear(column);
            column[j] = 1;
            Forward(lower, d, column);
            Backward(lower, d, column);
            for (var i = 0; i < d; i++)
            {
                covariance[i * d + j] = column[i];
            }
        }
    }

    private static double[] Positive(ReadOnlySpan<double> variances, string what)
    {
        foreach (var variance in variances)
        {
            if (!(variance > 0) || !double.IsFinite(variance))
            {
                throw NotDefinite(what, variance);
            }
        }
        return variances.ToArray();
    }

    /// <summary>Lower triangle L [d, d] with L L' = a; only the lower triangle of a is read.</summary>
    private static double[] Cholesky(ReadOnlySpan<double> a, int d, string what)
    {
        var l = new double[a.Length];
        for (var i = 0; i < d; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = a[i * d + j] - TensorPrimitives.Dot<double>(l.AsSpan(i * d, j), l.AsSpan(j * d, j));
                if (i != j)
                {
                    l[i * d + j] = rest / l[j * d + j];
                }
                else if (rest > 0 && double.IsFinite(rest))
                {
                    l[i * d + i] = Math.Sqrt(rest);
                }
                else
                {
                    throw NotDefinite(what, rest);
                }
            }
        }
        return l;
    }

    private static void Forward(double[] l, int d, double[] v)
    {
        for (var i = 0; i < d; i++)
        {
            v[i] = (v[i] - TensorPrimitives.Dot<double>(l.AsSpan(i * d, i), v.AsSpan(0, i))) / l[i * d + i];
        }
    }

    private static void Backward(double[] l, int d, double[] v)
    {
        for (var i = d - 1; i >= 0; i--)
        {
            v[i] /= l[i * d + i];
            Vectors.AddScaled(l.AsSpan(i * d, i), -v[i], v.AsSpan(0, i));
        }
    }

    private static IccArgumentException NotDefinite(string what, double found) => new(
        $"{what}: found a pivot of {Check.Text(found)}, expected a positive one: too few different points for it; fewer components, a larger "
        + "regCovar or another covariance type may help");

    private sealed class Variances(double[] variances, int d) : CovarianceFactor
    {
        public override double LogDeterminant { get; } = variances.Sum(Math.Log) * d / variances.Length;

        public override double SquaredLength(double[] v, double[] work)
        {
            if (variances.Length == 1)
            {
                return TensorPrimitives.SumOfSquares<double>(v) / variances[0];
            }
            TensorPrimitives.Multiply(v, v, work);
            TensorPrimitives.Divide(work, variances, work);
            return TensorPrimitives.Sum<double>(work);
        }
    }

    private sealed class Matrix(double[] lower, int d) : CovarianceFactor
    {
        public override double LogDeterminant { get; } = 2 * Enumerable.Range(0, d).Sum(i => Math.Log(lower[i * d + i]));

        public override double SquaredLength(double[] v, double[] work)
        {
            v.CopyTo(work, 0);
            Forward(lower, d, work);
            return TensorPrimitives.SumOfSquares<double>(work);
        }
    }
}
