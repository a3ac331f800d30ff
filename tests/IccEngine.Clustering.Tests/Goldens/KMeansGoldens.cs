using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class KMeansGoldens
{
    private const double Relative = 1e-9;

    public static IEnumerable<object?[]> Fixed() => GoldenFile.OnBackends("kmeans_fixed.json");

    public static IEnumerable<object?[]> Bounds() => GoldenFile.OnBackends("kmeans_bounds.json");

    [SkippableTheory]
    [MemberData(nameof(Fixed))]
    public void Lloyd_goes_where_scikit_learn_goes(string? name, string subject)
    {
        using var backend = TestBackends.Create(subject);
        var golden = GoldenFile.Case(name, "kmeans_fixed.json");
        Check(backend, golden, "tol_0", tol: 0, maxIter: 300);
        Check(backend, golden, "tol_1e-4", tol: 1e-4, maxIter: 300);
        Check(backend, golden, "one_step", tol: 1e-4, maxIter: 1);
    }

    [SkippableTheory]
    [MemberData(nameof(Bounds))]
    public void Ten_starts_come_near_the_best_inertia_known(string? name, string subject)
    {
        using var backend = TestBackends.Create(subject);
        var golden = GoldenFile.Case(name, "kmeans_bounds.json");
        var bound = golden.GetProperty("ten_starts_must_reach_within_1_percent").GetBoolean()
            ? 1.01 * golden.Number("best_inertia")
            : golden.Number("n_init_10_worst_of_10_seeds");
        var found = new KMeans { NClusters = golden.Int("k"), NInit = 10 }.Fit(backend, golden.Numbers("x"), golden.Int("n"), golden.Int("d")).Inertia;
        Assert.True(found <= bound, $"inertia {found:R}, bound {bound:R}");
    }

    private static void Check(IBackend backend, JsonElement golden, string variant, double tol, int maxIter)
    {
        var expected = golden.GetProperty(variant);
        var (n, d, k) = (golden.Int("n"), golden.Int("d"), golden.Int("k"));
        var weights = golden.GetProperty("weights").ValueKind == JsonValueKind.Null ? [] : golden.Numbers("weights");
        var found = new KMeans { NClusters = k, Init = golden.Numbers("init"), Tol = tol, MaxIter = maxIter, Algorithm = KMeansAlgorithm.Lloyd }
            .Fit(backend, golden.Numbers("x"), n, d, weights);
        Assert.Equal(expected.Ints("labels"), found.Labels);
        var centers = expected.Numbers("centres");
        // Relative to the size of a centre: a coordinate may happen to be next to nothing.
        var size = centers.Max(Math.Abs);
        Near.Equal(centers, found.Centers, Relative * size, 0, $"{variant} centres");
        Near.Equal(expected.Number("inertia"), found.Inertia, 0, Relative, $"{variant} inertia");
        // With a centre on every point the count is a matter of taste (README).
        if (k < n)
        {
            Assert.Equal(expected.Int("iterations"), found.NIter);
        }
        Assert.Equal(expected.TryGetProperty("warnings", out var w) ? w.GetArrayLength() : 0, found.Warnings.Count);
    }
}
