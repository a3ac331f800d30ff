using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class GaussianMixtureGoldens
{
    private const double LogLikelihood = 1e-8;

    // EM ends where the likelihood changes by less than 1e-10, its square root away from the maximum.
    private const double Parameters = 1e-4;

    public static TheoryData<int?, string?> Cases() => GoldenFile.Numbered("gmm.json", "name", "covariance");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void EM_from_given_means_ends_where_scikit_learn_ends(int? number, string? title)
    {
        var (golden, shared) = GoldenFile.Numbered(number, "gmm.json", "x");
        var (n, d, k) = (golden.Int("n"), golden.Int("d"), golden.Int("k"));
        var type = Enum.Parse<CovarianceType>(golden.Text("covariance")!, ignoreCase: true);
        var x = shared.Numbers("x");
        using var backend = new CpuBackend(1);
        var found = new GaussianMixture
        {
            NComponents = k,
            CovarianceType = type,
            Tol = 1e-10,
            RegCovar = golden.Number("reg_covar"),
            MaxIter = 1000,
            WeightsInit = [.. Enumerable.Repeat(1.0 / k, k)],
            MeansInit = golden.Numbers("means_start"),
            PrecisionsInit = Identity(type, k, d),
        }.Fit(backend, x, n, d);
        Assert.True(found.Converged);
        Assert.Equal(golden.Ints("labels"), found.Labels);
        Assert.Equal(golden.Ints("labels"), found.Predict(x, n));
        Near.Equal(golden.Number("mean_log_likelihood"), found.Score(x, n), LogLikelihood, 0, $"{title} mean log-likelihood");
        Near.Equal(golden.Number("bic"), found.Bic(x, n), 2 * n * LogLikelihood, 0, $"{title} BIC");
        Near.Equal(golden.Number("aic"), found.Aic(x, n), 2 * n * LogLikelihood, 0, $"{title} AIC");
        Near.Equal(golden.Numbers("weights"), found.Weights, Parameters, 0, $"{title} weights");
        Near.Equal(golden.Numbers("means"), found.Means, Parameters, Parameters, $"{title} means");
        Near.Equal(golden.Numbers("covariances"), found.Covariances, Parameters, Parameters, $"{title} covariances");
        var first = golden.Numbers("responsibilities_first_5");
        Near.Equal(first, found.PredictProba(x, n)[..first.Length], Parameters, 0, $"{title} responsibilities");
    }

    private static double[] Identity(CovarianceType type, int k, int d)
    {
        var matrix = Enumerable.Range(0, d * d).Select(i => i % (d + 1) == 0 ? 1.0 : 0).ToArray();
        return type switch
        {
            CovarianceType.Full => [.. Enumerable.Repeat(matrix, k).SelectMany(m => m)],
            CovarianceType.Tied => matrix,
            CovarianceType.Diag => [.. Enumerable.Repeat(1.0, k * d)],
            _ => [.. Enumerable.Repeat(1.0, k)],
        };
    }
}
