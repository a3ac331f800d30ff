using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The shape of the components' covariances.</summary>
public enum CovarianceType
{
    /// <summary>A matrix each: [k, d, d].</summary>
    Full,

    /// <summary>One matrix for all: [d, d].</summary>
    Tied,

    /// <summary>A variance for each component and column: [k, d].</summary>
    Diag,

    /// <summary>A variance for each component: [k].</summary>
    Spherical,
}

/// <summary>Where the responsibilities of the first step come from.</summary>
public enum GaussianMixtureInit
{
    /// <summary>k-means, one k-means++ start.</summary>
    KMeans,

    /// <summary>Uniform random numbers, normalised.</summary>
    Random,
}

/// <summary>
/// A mixture of Gaussians fitted by expectation and maximisation (Dempster, Laird and Rubin 1977), with scikit-learn's parameters and rules.
/// </summary>
public sealed class GaussianMixture
{
    /// <summary>Number of components k, 1 to n.</summary>
    public int NComponents { get; init; } = 1;

    /// <summary>The shape of the covariances.</summary>
    public CovarianceType CovarianceType { get; init; } = CovarianceType.Full;

    /// <summary>It ends when the mean log-likelihood changes by less.</summary>
    public double Tol { get; init; } = 1e-3;

    /// <summary>Added to the diagonals of the covariances.</summary>
    public double RegCovar { get; init; } = 1e-6;

    /// <summary>Largest number of steps of a start.</summary>
    public int MaxIter { get; init; } = 100;

    /// <summary>Starts, of which the likeliest is kept.</summary>
    public int NInit { get; init; } = 1;

    /// <summary>How to start.</summary>
    public GaussianMixtureInit InitParams { get; init; } = GaussianMixtureInit.KMeans;

    /// <summary>Starting weights [k], positive, of sum 1; null for those of the start.</summary>
    public double[]? WeightsInit { get; init; }

    /// <summary>Starting means [k, d] row-major; null for those of the start.</summary>
    public double[]? MeansInit { get; init; }

    /// <summary>Starting inverse covariances in the shape of <see cref="CovarianceType"/>; null for those of the start.</summary>
    public double[]? PrecisionsInit { get; init; }

    /// <summary>Seed; equal seeds give equal results.</summary>
    public long RandomState { get; init; }

    /// <summary>Fits the mixture.</summary>
    /// <param name="backend">What assigns points to centres where k-means starts it.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits, or a covariance is not positive definite.</exception>
    /// <exception cref="IccMemoryException">There is no room for the covariances or the responsibilities.</exception>
    public GaussianMixtureResult Fit(IBackend backend, ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d, least: 2);
        CheckOptions(n, d);
        var points = x.ToArray();
        var random = new SeededRandom(RandomState);
        GaussianMixtureResult? best = null;
        for (var start = 0; start < NInit; start++)
        {
            var found = Run(backend, points, n, d, random);
            best = best is null || found.LowerBound > best.LowerBound ? found : best;
        }
        return best!;
    }

    private GaussianMixtureResult Run(IBackend backend, double[] x, int n, int d, SeededRandom random)
    {
        var responsibilities = Workspace.Doubles((long)n * NComponents, $"the responsibilities of {n} points");
        var mixture = new MixtureParameters(NComponents, d, CovarianceType, RegCovar);
        Start(backend, x, n, d, mixture, responsibilities, random);
        var (bound, iterations, converged) = (double.NegativeInfinity, 0, false);
        while (iterations < MaxIter && !converged)
        {
            var found = mixture.Expect(x, n, responsibilities);
            mixture.Maximise(x, n, responsibilities);
            iterations++;
            converged = Math.Abs(found - bound) < Tol;
            bound = found;
        }
        // Labels and likelihood of the parameters that are returned.
        mixture.Expect(x, n, responsibilities);
        return new GaussianMixtureResult(mixture, MixtureParameters.MostLikely(responsibilities, n, NComponents), bound, iterations, converged);
    }

    private void Start(IBackend backend, double[] x, int n, int d, MixtureParameters mixture, double[] responsibilities, SeededRandom random)
    {
        if (WeightsInit is null || MeansInit is null || PrecisionsInit is null)
        {
            if (InitParams == GaussianMixtureInit.KMeans)
            {
                var seed = (long)random.NextUInt64();
                var labels = new KMeans { NClusters = NComponents, NInit = 1, RandomState = seed }.Fit(backend, x, n, d).Labels;
                for (var i = 0; i < n; i++)
                {
                    responsibilities[i * NComponents + labels[i]] = 1;
                }
            }
            else
            {
                for (var i = 0; i < n; i++)
                {
                    var row = responsibilities.AsSpan(i * NComponents, NComponents);
                    var sum = 0.0;
                    for (var c = 0; c < row.Length; c++)
                    {
                        sum += row[c] = 1 - random.NextDouble();
                    }
                    System.Numerics.Tensors.TensorPrimitives.Divide(row, sum, row);
                }
            }
            mixture.Maximise(x, n, responsibilities);
        }
        mixture.Replace(WeightsInit, MeansInit, PrecisionsInit);
    }

    private void CheckOptions(int n, int d)
    {
        Check.Count(NComponents, n, "nComponents");
        Check.AtLeast(MaxIter, 1, "maxIter");
        Check.AtLeast(NInit, 1, "nInit");
        void NotNegative(double value, string name)
        {
            if (!(value >= 0) || !double.IsFinite(value))
            {
                throw new IccArgumentException($"{name}: found {Check.Text(value)}, expected a finite number of 0 or more");
            }
        }
        NotNegative(Tol, "tol");
        NotNegative(RegCovar, "regCovar");
        if (MeansInit is { } means)
        {
            Check.Points(means, NComponents, d);
        }
        if (WeightsInit is { } weights && (weights.Length != NComponents || !weights.All(w => w > 0) || Math.Abs(weights.Sum() - 1) > 1e-8))
        {
            throw new IccArgumentException($"weightsInit: found {weights.Length} values of sum {Check.Text(weights.Sum())}, expected {NComponents} "
                + "positive ones of sum 1");
        }
        if (PrecisionsInit is { } precisions)
        {
            var size = MixtureParameters.CovarianceLength(NComponents, d, CovarianceType);
            if (precisions.Length != size || !precisions.All(double.IsFinite))
            {
                throw new IccArgumentException($"precisionsInit: found {precisions.Length} values, expected {size} finite ones");
            }
        }
    }
}
