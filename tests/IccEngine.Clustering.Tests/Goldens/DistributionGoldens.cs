using System.Text.Json;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class DistributionGoldens
{
    private const int Draws = 100_000;

    // Five standard errors of a difference of two means: seeds are fixed, so this fails for a wrong rule and not by chance.
    private const double StandardErrors = 5;

    [SkippableFact]
    public void Noise_is_distributed_as_scipy_says()
    {
        var golden = GoldenFile.Root("distributions.json");
        var bound = golden.GetProperty("ks_critical_value_by_significance_then_sample_size").GetProperty("0.001").Number($"{Draws}");
        var (seed, seen) = (1, 0);
        foreach (var noise in golden.GetProperty("noise").EnumerateArray())
        {
            var random = new SeededRandom(seed++);
            var name = noise.Text("distribution")!;
            Func<double>? next = name switch
            {
                "t" => () => random.NextStudentT(noise.Number("df")),
                "normal" => random.NextNormal,
                var n when n.StartsWith("lognormal", StringComparison.Ordinal) => () => Math.Exp(random.NextNormal()),
                var n when n.StartsWith("uniform", StringComparison.Ordinal) => () => 20 * random.NextDouble() - 10,
                _ => null,
            };
            Assert.True(next is not null, $"no generator for {name}");
            var sample = Enumerable.Range(0, Draws).Select(_ => next()).Order().ToArray();
            CheckCdf(noise.Numbers("cdf_at"), noise.Numbers("cdf"), sample, bound, noise.ToString());
            CheckCdf(noise.Numbers("quantiles"), noise.Numbers("probabilities"), sample, bound, noise.ToString());
            seen++;
        }
        Assert.True(seen > 0, "no distributions in the file");
    }

    [SkippableFact]
    public void Generated_noise_around_a_centre_is_that_of_the_reference()
    {
        var golden = GoldenFile.Root("distributions.json");
        // The golden README: rounding to two decimals may add this to a distance.
        const double rounding = 0.002;
        var bound = rounding + golden.GetProperty("ks_critical_value_by_significance_then_sample_size").GetProperty("0.001").Number("10000");
        foreach (var noise in golden.GetProperty("noise").EnumerateArray())
        {
            var name = noise.Text("distribution")!.Split('_')[0];
            if (name == "uniform")
            {
                continue;
            }
            var df = noise.GetProperty("df").ValueKind == JsonValueKind.Null ? "" : FormattableString.Invariant($",df={noise.Number("df")}");
            var sample = EpisodeSpec.Parse($"{name}:c=3,d=2,n=50,count=100,seed=5{df}").Generate()
                .SelectMany(e => e.X.Select((v, i) => v - e.Centers![e.Y[i / e.D] * e.D + i % e.D])).Order().ToArray();
            Assert.Equal(10000, sample.Length);
            CheckCdf(noise.Numbers("cdf_at"), noise.Numbers("cdf"), sample, bound, noise.ToString());
        }
    }

    [SkippableFact]
    public void Cluster_sizes_follow_the_rule_for_given_shares()
    {
        var cases = GoldenFile.Root("distributions.json").GetProperty("size_rule_fixed").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        Assert.All(cases, c => Assert.Equal(c.Ints("sizes"), ClusterSizes.Of(c.Int("n"), c.Numbers("props"))));
    }

    [SkippableFact]
    public void Drawn_cluster_sizes_have_the_moments_of_the_rule()
    {
        var cases = GoldenFile.Root("distributions.json").GetProperty("size_rule_statistics").EnumerateArray().ToArray();
        Assert.NotEmpty(cases);
        foreach (var golden in cases)
        {
            var (n, c, draws) = (golden.Int("n"), golden.Int("c"), golden.Int("draws"));
            var random = new SeededRandom(n * 10 + c);
            var sizes = Enumerable.Range(0, draws).Select(_ => ClusterSizes.Draw(random, n, c)).ToArray();
            Assert.All(sizes, s => Assert.True(s.Sum() == n && s.Min() >= 1 && s.Length == c));
            var (means, deviations) = (golden.Numbers("mean_size_by_cluster_after_rejection"), golden.Numbers("sd_size_by_cluster_after_rejection"));
            for (var i = 0; i < c; i++)
            {
                var mean = sizes.Average(s => (double)s[i]);
                var error = StandardErrors * deviations[i] * Math.Sqrt(2.0 / draws);
                Near.Equal(means[i], mean, error, 0, $"n = {n}, mean size of {i} of {c}");
                Near.Equal(deviations[i], Math.Sqrt(sizes.Average(s => Math.Pow(s[i] - mean, 2))), error, 0, $"n = {n}, deviation of {i} of {c}");
            }
            CheckQuantiles(golden.Numbers("quantiles_of_largest_10_50_90"), sizes.Select(s => s.Max()));
            CheckQuantiles(golden.Numbers("quantiles_of_smallest_10_50_90"), sizes.Select(s => s.Min()));
            CheckRejected(golden, n, c, draws);
        }
    }

    private static void CheckRejected(JsonElement golden, int n, int c, int draws)
    {
        var random = new SeededRandom(n + c);
        var rejected = Enumerable.Range(0, draws).Count(_ => ClusterSizes.Of(n, [.. Enumerable.Range(0, c).Select(_ => random.NextDouble())])[0] < 1);
        var share = golden.Number("share_with_cluster_0_below_1");
        Near.Equal(share, (double)rejected / draws, StandardErrors * Math.Sqrt(2 * share * (1 - share) / draws) + 1.0 / draws, 0, $"n = {n}, c = {c}: rejected");
    }

    /// <summary>Whole numbers with ties: a quantile may fall to either side of a step.</summary>
    private static void CheckQuantiles(double[] expected, IEnumerable<int> sample)
    {
        var sorted = sample.Order().ToArray();
        double[] at = [0.1, 0.5, 0.9];
        for (var q = 0; q < at.Length; q++)
        {
            Assert.InRange(expected[q], (double)sorted[(int)((at[q] - 0.01) * sorted.Length)], (double)sorted[(int)((at[q] + 0.01) * sorted.Length)]);
        }
    }

    private static void CheckCdf(double[] points, double[] expected, double[] sorted, double bound, string what)
    {
        for (var i = 0; i < points.Length; i++)
        {
            // The share at or below the point, ties in the middle of rounding.
            var at = Array.BinarySearch(sorted, points[i]);
            var below = at < 0 ? ~at : at;
            Near.Equal(expected[i], (double)below / sorted.Length, bound, 0, $"{what}, cdf at {points[i]}");
        }
    }
}
