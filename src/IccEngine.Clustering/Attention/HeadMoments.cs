using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What <see cref="TwoHeadAttention"/> has to know of a distribution: two of its moments.</summary>
public abstract class HeadMoments
{
    private protected HeadMoments(int d) => D = d;

    /// <summary>Number of columns.</summary>
    public int D { get; }

    /// <summary>tr E[X X'].</summary>
    internal abstract double Trace { get; }

    /// <summary>result = E[X X'] u.</summary>
    internal abstract void Multiply(ReadOnlySpan<double> u, Span<double> result);

    /// <summary>E[(X.u)^2 (X.v)^2]; adds <paramref name="scale"/> times its gradient in (u, v) to <paramref name="gradient"/> [2, d].</summary>
    internal abstract double Coupling(ReadOnlySpan<double> u, ReadOnlySpan<double> v, double scale, double[] gradient);

    /// <summary>E[X X'], [d, d].</summary>
    internal double[] SecondMoment()
    {
        var (moment, unit) = (Workspace.Doubles((long)D * D, $"the second moments of {D} columns"), new double[D]);
        for (var j = 0; j < D; j++)
        {
            unit[j] = 1;
            Multiply(unit, moment.AsSpan(j * D, D));
            unit[j] = 0;
        }
        return moment;
    }

    /// <summary>The moments of a mixture of N(m_c, sigma^2 I), exactly.</summary>
    /// <param name="centers">m: [k, d] row-major, finite.</param>
    /// <param name="k">Number of components.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="sigma">Standard deviation, 0 or more.</param>
    /// <param name="weights">[k], positive; divided by their sum. Empty for equal ones.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public static HeadMoments OfMixture(ReadOnlySpan<double> centers, int k, int d, double sigma, ReadOnlySpan<double> weights = default)
    {
        Check.Points(centers, k, d);
        if (!(sigma >= 0) || !double.IsFinite(sigma))
        {
            throw new IccArgumentException($"sigma: found {Check.Text(sigma)}, expected a finite number of 0 or more");
        }
        var share = new double[k];
        Array.Fill(share, 1);
        if (!weights.IsEmpty)
        {
            Check.Length(weights.Length, k, "weights");
            weights.CopyTo(share);
        }
        var sum = share.Sum();
        if (!share.All(w => w > 0) || !double.IsFinite(sum))
        {
            throw new IccArgumentException("weights: expected positive numbers of a finite sum");
        }
        return new Mixture(centers.ToArray(), Array.ConvertAll(share, w => w / sum), sigma * sigma, d);
    }

    /// <summary>The moments of points: means over them. No labels are needed.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public static HeadMoments OfPoints(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        return new Sample(x.ToArray(), n, d);
    }

    private sealed class Sample(double[] x, int n, int d) : HeadMoments(d)
    {
        internal override double Trace { get; } = TensorPrimitives.SumOfSquares<double>(x) / n;

        internal override void Multiply(ReadOnlySpan<double> u, Span<double> result)
        {
            result.Clear();
            for (var i = 0; i < n; i++)
            {
                var point = x.AsSpan(i * D, D);
                Vectors.AddScaled(point, TensorPrimitives.Dot(point, u) / n, result);
            }
        }

        internal override double Coupling(ReadOnlySpan<double> u, ReadOnlySpan<double> v, double scale, double[] gradient)
        {
            var sum = 0.0;
            for (var i = 0; i < n; i++)
            {
                var point = x.AsSpan(i * D, D);
                var (a, b) = (TensorPrimitives.Dot(point, u), TensorPrimitives.Dot(point, v));
                sum += a * a * b * b / n;
                Vectors.AddScaled(point, scale * 2 * a * b * b / n, gradient.AsSpan(0, D));
                Vectors.AddScaled(point, scale * 2 * a * a * b / n, gradient.AsSpan(D));
            }
            return sum;
        }
    }

    private sealed class Mixture(double[] centers, double[] weights, double variance, int d) : HeadMoments(d)
    {
        internal override double Trace { get; } = variance * d
            + weights.Select((w, c) => w * TensorPrimitives.SumOfSquares<double>(centers.AsSpan(c * d, d))).Sum();

        internal override void Multiply(ReadOnlySpan<double> u, Span<double> result)
        {
            u.CopyTo(result);
            TensorPrimitives.Multiply(result, variance, result);
            for (var c = 0; c < weights.Length; c++)
            {
                var center = centers.AsSpan(c * D, D);
                Vectors.AddScaled(center, weights[c] * TensorPrimitives.Dot(center, u), result);
            }
        }

        /// <summary>
        /// Given a component, a = X.u and b = X.v are jointly normal with means p, q, variances s |u|^2, s |v|^2 and covariance s u.v, so
        /// E[a^2 b^2] = p^2 q^2 + s |v|^2 p^2 + s |u|^2 q^2 + 4 s (u.v) p q + s^2 |u|^2 |v|^2 + 2 s^2 (u.v)^2 (Isserlis 1918).
        /// </summary>
        internal override double Coupling(ReadOnlySpan<double> u, ReadOnlySpan<double> v, double scale, double[] gradient)
        {
            var (uu, vv, uv) = (TensorPrimitives.Dot(u, u), TensorPrimitives.Dot(v, v), TensorPrimitives.Dot(u, v));
            var (s, sum) = (variance, 0.0);
            var toU = gradient.AsSpan(0, D);
            var toV = gradient.AsSpan(D);
            for (var c = 0; c < weights.Length; c++)
            {
                var center = centers.AsSpan(c * D, D);
                var (p, q, w) = (TensorPrimitives.Dot(center, u), TensorPrimitives.Dot(center, v), weights[c]);
                sum += w * (p * p * q * q + s * vv * p * p + s * uu * q * q + 4 * s * uv * p * q + s * s * uu * vv + 2 * s * s * uv * uv);
                var ofP = 2 * p * q * q + 2 * s * vv * p + 4 * s * uv * q;
                var ofQ = 2 * p * p * q + 2 * s * uu * q + 4 * s * uv * p;
                var (ofUu, ofVv, ofUv) = (s * q * q + s * s * vv, s * p * p + s * s * uu, 4 * s * p * q + 4 * s * s * uv);
                Vectors.AddScaled(center, scale * w * ofP, toU);
                Vectors.AddScaled(u, scale * w * 2 * ofUu, toU);
                Vectors.AddScaled(v, scale * w * ofUv, toU);
                Vectors.AddScaled(center, scale * w * ofQ, toV);
                Vectors.AddScaled(v, scale * w * 2 * ofVv, toV);
                Vectors.AddScaled(u, scale * w * ofUv, toV);
            }
            return sum;
        }
    }
}
