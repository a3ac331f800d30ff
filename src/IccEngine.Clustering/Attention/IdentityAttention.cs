using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// An attention layer whose query, key and value matrices are the identity, with nothing trained: T(z) = sum_i softmax_i(scale z.x_i) x_i
/// over a context x (Maulen-Soto et al. 2025, "Attention-based clustering").
/// </summary>
/// <remarks>
/// For points of a mixture of Gaussians N(m_c, s^2 I) of weights p_c, E[exp(l z.X) X] / E[exp(l z.X)] = sum_c w_c (m_c + l s^2 z) with w_c
/// proportional to p_c exp(l z.m_c). At the scale l = 1 / s^2, and for centroids of equal norm, w is the posterior of the components given z:
/// T(z) - z is the mean of the centroids under it, that is the layer quantises z, from its context alone.
/// </remarks>
public static class IdentityAttention
{
    /// <summary>What the layer gives for queries over a context.</summary>
    /// <param name="z">Queries [m, d] row-major, finite.</param>
    /// <param name="m">Number of queries.</param>
    /// <param name="x">Context [n, d] row-major, finite: keys and values.</param>
    /// <param name="n">Number of points of the context.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="scale">What the scores z.x are multiplied by, above 0: the inverse temperature.</param>
    /// <param name="equalNorms">
    /// Take |x|^2 / 2 off each score z.x, as if all keys had the same norm (each lies on a sphere of one dimension more): the weights are
    /// then those of exp(-scale |z - x|^2 / 2), and the layer is a step of mean shift.
    /// </param>
    /// <returns>[m, d] row-major.</returns>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public static double[] Apply(ReadOnlySpan<double> z, int m, ReadOnlySpan<double> x, int n, int d, double scale, bool equalNorms = false)
    {
        Check.Points(z, m, d);
        Check.Points(x, n, d);
        if (!(scale > 0) || !double.IsFinite(scale))
        {
            throw new IccArgumentException($"scale: found {Check.Text(scale)}, expected a finite number above 0");
        }
        var result = new double[m * d];
        var weights = new double[n];
        for (var q = 0; q < m; q++)
        {
            Attend(z.Slice(q * d, d), x, n, scale, equalNorms, weights, result.AsSpan(q * d, d));
        }
        return result;
    }

    /// <summary>One query [d] over a context that was checked; <paramref name="weights"/> [n] is overwritten.</summary>
    internal static void Attend(
        ReadOnlySpan<double> z, ReadOnlySpan<double> x, int n, double scale, bool equalNorms, double[] weights, Span<double> result)
    {
        var d = z.Length;
        for (var i = 0; i < n; i++)
        {
            var key = x.Slice(i * d, d);
            // |z|^2 / 2 is the same for all keys of a query: the distance may stand for z.x - |x|^2 / 2, and does not cancel.
            weights[i] = scale * (equalNorms ? -Vectors.SquaredDistance(z, key) / 2 : TensorPrimitives.Dot(z, key));
        }
        var most = TensorPrimitives.Max<double>(weights);
        result.Clear();
        var sum = 0.0;
        for (var i = 0; i < n; i++)
        {
            var weight = Math.Exp(weights[i] - most);
            if (weight > 0)
            {
                sum += weight;
                Vectors.AddScaled(x.Slice(i * d, d), weight, result);
            }
        }
        TensorPrimitives.Divide(result, sum, result);
    }
}
