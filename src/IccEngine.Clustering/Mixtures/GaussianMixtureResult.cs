using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>A mixture that <see cref="GaussianMixture"/> fitted.</summary>
public sealed class GaussianMixtureResult
{
    private readonly MixtureParameters _mixture;

    internal GaussianMixtureResult(MixtureParameters mixture, int[] labels, double lowerBound, int nIter, bool converged) =>
        (_mixture, Labels, LowerBound, NIter, Converged) = (mixture, labels, lowerBound, nIter, converged);

    /// <summary>[n]: the likeliest component of each point that was fitted.</summary>
    public int[] Labels { get; }

    /// <summary>[k].</summary>
    public double[] Weights => _mixture.Weights;

    /// <summary>[k, d] row-major.</summary>
    public double[] Means => _mixture.Means;

    /// <summary>In the shape of the <see cref="CovarianceType"/>.</summary>
    public double[] Covariances => _mixture.Covariances;

    /// <summary>Mean log-likelihood of the points before the last step.</summary>
    public double LowerBound { get; }

    /// <summary>Steps of the best start.</summary>
    public int NIter { get; }

    /// <summary>Whether the best start ended by its tolerance.</summary>
    public bool Converged { get; }

    /// <summary>Free parameters, as scikit-learn counts them.</summary>
    public long NParameters => _mixture.NParameters;

    /// <summary>[n]: the likeliest component of points.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits.</exception>
    public int[] Predict(ReadOnlySpan<double> x, int n) => MixtureParameters.MostLikely(PredictProba(x, n), n, Weights.Length);

    /// <summary>[n, k] row-major: the probability of each component given a point.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">There is no room for them.</exception>
    public double[] PredictProba(ReadOnlySpan<double> x, int n) => Expect(x, n).Responsibilities;

    /// <summary>Mean log-likelihood of points.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits.</exception>
    public double Score(ReadOnlySpan<double> x, int n) => Expect(x, n).MeanLogLikelihood;

    /// <summary>Bayesian information criterion; lower is better.</summary>
    /// <inheritdoc cref="Score"/>
    public double Bic(ReadOnlySpan<double> x, int n) => -2 * Score(x, n) * n + NParameters * Math.Log(n);

    /// <summary>Akaike's information criterion; lower is better.</summary>
    /// <inheritdoc cref="Score"/>
    public double Aic(ReadOnlySpan<double> x, int n) => -2 * Score(x, n) * n + 2 * NParameters;

    private (double[] Responsibilities, double MeanLogLikelihood) Expect(ReadOnlySpan<double> x, int n)
    {
        Check.Points(x, n, _mixture.D);
        var responsibilities = Workspace.Doubles((long)n * Weights.Length, $"the responsibilities of {n} points");
        return (responsibilities, _mixture.Expect(x.ToArray(), n, responsibilities));
    }
}
