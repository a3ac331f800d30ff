using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Weights, means and covariances of k Gaussians over d columns, and the two steps that fit them.</summary>
internal sealed class MixtureParameters
{
    /// <summary>Added to the mass of a component, so that one without points divides nothing by zero (scikit-learn's).</summary>
    private const double LeastMass = 10 * 2.220446049250313e-16;

    private readonly double _regCovar;
    private readonly CovarianceType _type;
    private readonly double[] _logDensity;

    // Per covariance matrix (one when tied): its Cholesky factor [d, d], or the standard deviations [d]; and the log of its determinant.
    private readonly CovarianceFactor[] _factors;

    /// <summary>Zeros, to be set by <see cref="Maximise"/> or <see cref="Replace"/>.</summary>
    /// <exception cref="IccMemoryException">There is no room for the covariances.</exception>
    public MixtureParameters(int k, int d, CovarianceType type, double regCovar)
    {
        (K, D, _type, _regCovar) = (k, d, type, regCovar);
        (Weights, Means, _logDensity) = (new double[k], new double[k * d], new double[k]);
        Covariances = Workspace.Doubles(CovarianceLength(k, d, type), $"the covariances of {k} components over {d} columns");
        _factors = new CovarianceFactor[type == CovarianceType.Tied ? 1 : k];
    }

    public int K { get; }

    public int D { get; }

    public double[] Weights { get; }

    public double[] Means { get; }

    public double[] Covariances { get; }

    /// <summary>Means, weights but one, and the entries of the covariances that are free.</summary>
    public long NParameters => (long)K * D + K - 1 + _type switch
    {
        CovarianceType.Full => (long)K * D * (D + 1) / 2,
        CovarianceType.Tied => (long)D * (D + 1) / 2,
        CovarianceType.Diag => (long)K * D,
        _ => K,
    };

    public static long CovarianceLength(int k, int d, CovarianceType type) => type switch
    {
        CovarianceType.Full => (long)k * d * d,
        CovarianceType.Tied => (long)d * d,
        CovarianceType.Diag => (long)k * d,
        _ => k,
    };

    /// <summary>[n]: the component of the largest responsibility, the first of several.</summary>
    public static int[] MostLikely(double[] responsibilities, int n, int k) =>
        [.. Enumerable.Range(0, n).Select(i => TensorPrimitives.IndexOfMax<double>(responsibilities.AsSpan(i * k, k)))];

    /// <summary>Puts given values in the place of what was computed.</summary>
    public void Replace(double[]? weights, double[]? means, double[]? precisions)
    {
        weights?.CopyTo(Weights, 0);
        means?.CopyTo(Means, 0);
        if (precisions is not null)
        {
            for (var f = 0; f < _factors.Length; f++)
            {
                var size = Covariances.Length / _factors.Length;
                CovarianceFactor.Invert(precisions.AsSpan(f * size, size), D, Covariances.AsSpan(f * size, size), "precisionsInit");
            }
        }
        Factorise();
    }

    /// <summary>Writes the responsibilities [n, k] and returns the mean log-likelihood.</summary>
    public double Expect(double[] x, int n, double[] responsibilities)
    {
        var (total, difference, work) = (0.0, new double[D], new double[D]);
        for (var i = 0; i < n; i++)
        {
            var row = responsibilities.AsSpan(i * K, K);
            for (var c = 0; c < K; c++)
            {
                TensorPrimitives.Subtract(x.AsSpan(i * D, D), Means.AsSpan(c * D, D), difference);
                var factor = _factors[_factors.Length == 1 ? 0 : c];
                row[c] = _logDensity[c] - (D * Math.Log(2 * Math.PI) + factor.LogDeterminant + factor.SquaredLength(difference, work)) / 2;
            }
            var most = TensorPrimitives.Max<double>(row);
            var sum = 0.0;
            for (var c = 0; c < K; c++)
            {
                sum += row[c] = Math.Exp(row[c] - most);
            }
            TensorPrimitives.Divide(row, sum, row);
            total += most + Math.Log(sum);
        }
        return total / n;
    }

    /// <summary>Weights, means and covariances from responsibilities [n, k].</summary>
    public void Maximise(double[] x, int n, double[] responsibilities)
    {
        Array.Fill(Weights, LeastMass);
        Array.Clear(Means);
        for (var i = 0; i < n; i++)
        {
            for (var c = 0; c < K; c++)
            {
                Weights[c] += responsibilities[i * K + c];
                Vectors.AddScaled(x.AsSpan(i * D, D), responsibilities[i * K + c], Means.AsSpan(c * D, D));
            }
        }
        for (var c = 0; c < K; c++)
        {
            var mean = Means.AsSpan(c * D, D);
            TensorPrimitives.Divide(mean, Weights[c], mean);
        }
        Scatter(x, n, responsibilities);
        TensorPrimitives.Divide(Weights, Weights.Sum(), Weights);
        Factorise();
    }

    /// <summary>Covariances from responsibilities; the weights are still masses.</summary>
    private void Scatter(double[] x, int n, double[] responsibilities)
    {
        Array.Clear(Covariances);
        var difference = new double[D];
        var mass = Weights.Sum();
        for (var i = 0; i < n; i++)
        {
            for (var c = 0; c < K; c++)
            {
                var share = responsibilities[i * K + c] / (_type == CovarianceType.Tied ? mass : Weights[c]);
                if (share > 0)
                {
                    TensorPrimitives.Subtract(x.AsSpan(i * D, D), Means.AsSpan(c * D, D), difference);
                    AddScatter(c, share, difference);
                }
            }
        }
        for (var at = 0; at < Covariances.Length; at++)
        {
            var onDiagonal = _type is CovarianceType.Diag or CovarianceType.Spherical || at % (D * D) % (D + 1) == 0;
            Covariances[at] += onDiagonal ? _regCovar : 0;
        }
    }

    private void AddScatter(int c, double share, double[] difference)
    {
        switch (_type)
        {
            case CovarianceType.Spherical:
                Covariances[c] += share / D * TensorPrimitives.SumOfSquares<double>(difference);
                break;
            case CovarianceType.Diag:
                TensorPrimitives.Multiply(difference, difference, difference);
                Vectors.AddScaled(difference, share, Covariances.AsSpan(c * D, D));
                break;
            default:
                var start = _type == CovarianceType.Tied ? 0 : c * D * D;
                for (var j = 0; j < D; j++)
                {
                    Vectors.AddScaled(difference, share * difference[j], Covariances.AsSpan(start + j * D, D));
                }
                break;
        }
    }

    private void Factorise()
    {
        var size = Covariances.Length / _factors.Length;
        for (var f = 0; f < _factors.Length; f++)
        {
            _factors[f] = CovarianceFactor.Of(Covariances.AsSpan(f * size, size), D, _type == CovarianceType.Tied ? "the tied covariance" : $"the covariance of component {f}");
        }
        for (var c = 0; c < K; c++)
        {
            _logDensity[c] = Math.Log(Weights[c]);
        }
    }
}
