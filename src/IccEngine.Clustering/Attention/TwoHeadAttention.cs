using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// A linear attention layer of two heads, each with one unit vector u as its query and its key matrix u u': over a context of the distribution
/// of X, T(x) = 2 l sum_j (x.u_j) E[X X'] u_j. Trained on unlabelled data it finds the two centroids of a Gaussian mixture (Maulen-Soto et al.
/// 2025, "Attention-based clustering", here for long contexts).
/// </summary>
/// <remarks>
/// With S = E[X X'], M = u_1 u_1' + u_2 u_2' and A = 2 l S M the risk E|X - T(X)|^2 is
/// tr S - 4 l tr(M S^2) + 4 l^2 tr(M S M S^2), whose gradient in u_j is -8 l S^2 u_j + 8 l^2 (S M S^2 + S^2 M S) u_j.
/// It is the same for all orthonormal pairs of a plane; r E[(X.u_1)^2 (X.u_2)^2], added to it, is least where each head reads one component.
/// Steps go along the gradient's part tangent to the sphere, and back onto it.
/// </remarks>
public sealed class TwoHeadAttention
{
    private readonly HeadMoments _moments;

    /// <summary>A layer over data of these moments.</summary>
    /// <param name="moments">Of a mixture, or of points.</param>
    /// <param name="scale">l, above 0; null for 1 / (2 v) with v the mean of the two largest eigenvalues of E[X X'], the best one for heads
    /// in the plane of the centroids.</param>
    /// <param name="regularisation">r, 0 or more.</param>
    /// <exception cref="IccArgumentException">A number is outside its limits.</exception>
    public TwoHeadAttention(HeadMoments moments, double? scale = null, double regularisation = 1)
    {
        _moments = moments;
        Scale = scale ?? BestScale(moments);
        Regularisation = regularisation;
        if (!(Scale > 0) || !double.IsFinite(Scale) || !(regularisation >= 0) || !double.IsFinite(regularisation))
        {
            throw new IccArgumentException($"two-head attention: found scale {Check.Text(Scale)} and regularisation {Check.Text(regularisation)}, "
                + "expected finite numbers, above 0 and 0 or more");
        }
    }

    /// <summary>l: what the heads' sums are multiplied by.</summary>
    public double Scale { get; }

    /// <summary>r: the weight of the term that tells the heads apart.</summary>
    public double Regularisation { get; }

    /// <summary>The regularised population risk.</summary>
    /// <param name="heads">[2, d] row-major; any vectors, not only unit ones.</param>
    /// <exception cref="IccArgumentException">The length is not 2 d.</exception>
    public double Risk(ReadOnlySpan<double> heads) => RiskAndGradient(heads, new double[heads.Length]);

    /// <summary>The gradient of <see cref="Risk"/>, [2, d] row-major.</summary>
    /// <param name="heads">[2, d] row-major.</param>
    /// <exception cref="IccArgumentException">The length is not 2 d.</exception>
    public double[] Gradient(ReadOnlySpan<double> heads)
    {
        var gradient = new double[heads.Length];
        RiskAndGradient(heads, gradient);
        return gradient;
    }

    /// <summary>Descends on the sphere from random heads.</summary>
    /// <param name="seed">Of the start; equal seeds give equal heads.</param>
    /// <param name="steps">Most steps.</param>
    /// <param name="learningRate">Of the first step; halved when a step would raise the risk, raised a little when it does not.</param>
    /// <returns>[2, d] row-major, unit vectors: the directions of the centroids, up to their signs.</returns>
    /// <exception cref="IccArgumentException">A number is outside its limits.</exception>
    public double[] Train(long seed = 0, int steps = 2000, double learningRate = 0.1)
    {
        Check.AtLeast(steps, 1, "steps");
        if (!(learningRate > 0) || !double.IsFinite(learningRate))
        {
            throw new IccArgumentException($"learningRate: found {Check.Text(learningRate)}, expected a finite number above 0");
        }
        var (d, random) = (_moments.D, new SeededRandom(seed));
        var heads = new double[2 * d];
        for (var i = 0; i < heads.Length; i++)
        {
            heads[i] = random.NextNormal();
        }
        OntoSphere(heads, d);
        var (gradient, next, nextGradient) = (new double[2 * d], new double[2 * d], new double[2 * d]);
        var risk = RiskAndGradient(heads, gradient);
        for (var (step, rate) = (0, learningRate); step < steps && rate > 1e-12; step++)
        {
            for (var j = 0; j < 2; j++)
            {
                var head = heads.AsSpan(j * d, d);
                var slope = gradient.AsSpan(j * d, d);
                Vectors.AddScaled(head, -TensorPrimitives.Dot<double>(head, slope), slope);
            }
            heads.CopyTo(next, 0);
            Vectors.AddScaled(gradient, -rate, next);
            OntoSphere(next, d);
            var found = RiskAndGradient(next, nextGradient);
            if (found > risk)
            {
                rate /= 2;
                continue;
            }
            rate *= 1.1;
            (heads, next, gradient, nextGradient, risk) = (next, heads, nextGradient, gradient, found);
        }
        return heads;
    }

    /// <summary>What the layer makes of points: [n, d].</summary>
    /// <param name="heads">[2, d] row-major.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits.</exception>
    public double[] Apply(ReadOnlySpan<double> heads, ReadOnlySpan<double> x, int n)
    {
        var d = _moments.D;
        Check.Length(heads.Length, 2 * d, "heads");
        Check.Points(x, n, d);
        var (result, read) = (new double[n * d], new double[d]);
        for (var j = 0; j < 2; j++)
        {
            _moments.Multiply(heads.Slice(j * d, d), read);
            for (var i = 0; i < n; i++)
            {
                Vectors.AddScaled(read, 2 * Scale * TensorPrimitives.Dot(x.Slice(i * d, d), heads.Slice(j * d, d)), result.AsSpan(i * d, d));
            }
        }
        return result;
    }

    private double RiskAndGradient(ReadOnlySpan<double> heads, double[] gradient)
    {
        var d = _moments.D;
        Check.Length(heads.Length, 2 * d, "heads");
        // S u and S^2 u of both heads.
        var (once, twice) = (new double[2 * d], new double[2 * d]);
        for (var j = 0; j < 2; j++)
        {
            _moments.Multiply(heads.Slice(j * d, d), once.AsSpan(j * d, d));
            _moments.Multiply(once.AsSpan(j * d, d), twice.AsSpan(j * d, d));
        }
        Array.Clear(gradient);
        var risk = _moments.Trace;
        for (var j = 0; j < 2; j++)
        {
            var u = heads.Slice(j * d, d);
            var slope = gradient.AsSpan(j * d, d);
            risk -= 4 * Scale * TensorPrimitives.Dot(u, twice.AsSpan(j * d, d));
            Vectors.AddScaled(twice.AsSpan(j * d, d), -8 * Scale, slope);
            for (var i = 0; i < 2; i++)
            {
                var a = TensorPrimitives.Dot(u, once.AsSpan(i * d, d));
                var b = TensorPrimitives.Dot(u, twice.AsSpan(i * d, d));
                risk += 4 * Scale * Scale * a * b;
                Vectors.AddScaled(once.AsSpan(i * d, d), 8 * Scale * Scale * b, slope);
                Vectors.AddScaled(twice.AsSpan(i * d, d), 8 * Scale * Scale * a, slope);
            }
        }
        return risk + Regularisation * _moments.Coupling(heads[..d], heads[d..], Regularisation, gradient);
    }

    private static void OntoSphere(double[] heads, int d)
    {
        for (var j = 0; j < 2; j++)
        {
            var head = heads.AsSpan(j * d, d);
            TensorPrimitives.Divide(head, TensorPrimitives.Norm<double>(head), head);
        }
    }

    private static double BestScale(HeadMoments moments)
    {
        var values = SymmetricEigen.Dense(moments.SecondMoment(), moments.D).Values;
        return 1 / (moments.D == 1 ? 2 * values[0] : values[^1] + values[^2]);
    }
}
