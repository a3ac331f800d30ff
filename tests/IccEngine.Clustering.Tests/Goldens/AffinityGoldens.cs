using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class AffinityGoldens
{
    private const double PooledSingle = 1e-6;
    private const double PooledDouble = 1e-12;
    private const double AffinitySingle = 2e-6;
    private const double AffinityDouble = 1e-12;

    public static IEnumerable<object?[]> RandomMaps() => GoldenFile.OnBackends("affinity", "random_maps.json");

    public static IEnumerable<object?[]> BlockMaps() => GoldenFile.OnBackends("affinity", "block_maps.json");

    public static IEnumerable<object?[]> Degenerate() => GoldenFile.OnBackends("affinity", "degenerate.json");

    [SkippableTheory]
    [MemberData(nameof(RandomMaps))]
    public void A_raw_map_is_pooled_turned_into_an_affinity_and_clustered(string? name, string subject)
    {
        var golden = GoldenFile.Case(name, "affinity", "random_maps.json");
        using var backend = TestBackends.Create(subject);
        using var tensors = GoldenFile.Tensors("affinity", "random_maps.safetensors");
        var (heads, tokens, n) = (golden.Int("heads"), golden.Int("tokens"), golden.Int("n"));
        var spans = golden.Spans("spans_inclusive");
        var singles = Array.ConvertAll(golden.Ints("label_tokens"), t => new TokenSpan(t, t + 1));
        var map = tensors.Get($"{name}.attention").ToSingles();
        foreach (var result in golden.GetProperty("results").EnumerateArray())
        {
            var layer = result.Int("layer");
            var prefix = $"{name}.l{layer}";
            ReadOnlySpan<float> Row(int head, int q) => map.AsSpan(((layer * heads + head) * tokens + q) * tokens, tokens);
            void Single(int head, int q, Span<float> row) => Row(head, q).CopyTo(row);
            void Wide(int head, int q, Span<double> row)
            {
                for (var k = 0; k < tokens; k++)
                {
                    row[k] = Row(head, q)[k];
                }
            }
            var pooled = AttentionPooling.StrictLower(AttentionPooling.Pool<double>(spans, spans, heads, tokens, Wide), n);
            Near.Equal(tensors.Doubles(prefix + ".pooled_f64"), pooled, 0, PooledDouble, prefix + " pooled");
            var oi = AttentionPooling.Pool<double>(singles, spans, heads, tokens, Wide);
            Near.Equal(tensors.Doubles(prefix + ".oi_f64"), oi, 0, PooledDouble, prefix + " oi");
            var oo = AttentionPooling.StrictLower(AttentionPooling.Pool<double>(singles, singles, heads, tokens, Wide), n);
            Near.Equal(tensors.Doubles(prefix + ".oo_f64"), oo, 0, PooledDouble, prefix + " oo");
            var single = AttentionPooling.StrictLower(AttentionPooling.Pool<float>(spans, spans, heads, tokens, Single), n);
            Near.Equal(Widen(tensors, prefix + ".pooled_f32"), Widen(single), 0, PooledSingle, prefix + " pooled in float32");

            var affinity = Affinities.Of(backend, pooled, n);
            Near.Equal(tensors.Doubles(prefix + ".affinity_f64"), affinity, AffinityDouble, 0, prefix + " affinity");
            Near.Equal(Widen(tensors, prefix + ".affinity_f32"), Affinities.Of(backend, Widen(single), n, DType.F32), AffinitySingle, 0, prefix + " affinity in float32");
            CheckLabels(backend, result, affinity, n, prefix, null);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(BlockMaps))]
    public void A_planted_partition_is_pooled_turned_into_an_affinity_and_clustered(string? name, string subject)
    {
        var golden = GoldenFile.Case(name, "affinity", "block_maps.json");
        using var backend = TestBackends.Create(subject);
        using var tensors = GoldenFile.Tensors("affinity", "block_maps.safetensors");
        var map = new BlockMap(golden);
        Assert.Equal(golden.Int("tokens"), map.Tokens);
        Assert.Equal(golden.Spans("spans_inclusive"), map.Spans);
        Assert.Equal(golden.Ints("labels_true"), map.Labels);
        var n = map.N;
        var pooled = map.Pooled();
        var affinity = Affinities.Of(backend, pooled, n);
        if (tensors.TryGet($"{name}.pooled_f64", out _))
        {
            Near.Equal(tensors.Doubles($"{name}.pooled_f64"), pooled, 0, PooledDouble, "pooled");
        }
        if (tensors.TryGet($"{name}.affinity_f64", out _))
        {
            Near.Equal(tensors.Doubles($"{name}.affinity_f64"), affinity, AffinityDouble, 0, "affinity");
        }
        if (tensors.TryGet($"{name}.affinity_f32", out _))
        {
            var single = map.PooledSingle();
            Near.Equal(Widen(tensors, $"{name}.affinity_f32"), Affinities.Of(backend, Widen(single), n, DType.F32), AffinitySingle, 0, "affinity in float32");
        }
        foreach (var probe in golden.GetProperty("probes").EnumerateArray())
        {
            var (j, i) = (probe.Int("j"), probe.Int("i"));
            Near.Equal(probe.Number("pooled"), pooled[j * n + i], 0, PooledDouble, $"pooled [{j}, {i}]");
            Near.Equal(probe.Number("affinity"), affinity[j * n + i], AffinityDouble, 0, $"affinity [{j}, {i}]");
        }
        var sums = golden.GetProperty("sums");
        Near.Equal(sums.Number("pooled"), pooled.Sum(), 0, PooledDouble, "sum of pooled");
        Near.Equal(sums.Number("affinity"), affinity.Sum(), 0, AffinityDouble, "sum of affinity");
        Near.Equal(sums.Numbers("affinity_row_sums"), [.. affinity.Chunk(n).Select(r => r.Sum())], n * AffinityDouble, 0, "row sums");
        CheckLabels(backend, golden, affinity, n, name!, map.Labels);
    }

    [SkippableTheory]
    [MemberData(nameof(Degenerate))]
    public void Degenerate_matrices_are_clustered_or_refused_as_scikit_learn_does(string? name, string subject)
    {
        var golden = GoldenFile.Case(name, "affinity", "degenerate.json");
        using var backend = TestBackends.Create(subject);
        var (n, c) = (golden.Int("n"), golden.Int("c"));
        var expected = golden.Numbers("affinity");
        var clustering = new SpectralClustering { NClusters = c };
        if (golden.Text("error") is not null)
        {
            Assert.Throws<IccArgumentException>(() => clustering.FitPredict(backend, expected, n));
            if (golden.TryGetProperty("pooled", out _) && expected.Any(double.IsNaN))
            {
                var affinity = Affinities.Upload(backend, Affinities.Of(backend, golden.Numbers("pooled"), n), n);
                Assert.Throws<IccArgumentException>(() => clustering.FitPredict(backend, affinity));
            }
            return;
        }
        var alike = false;
        if (golden.TryGetProperty("pooled", out _))
        {
            var pooled = golden.Numbers("pooled");
            // Every point looks at every earlier one alike: any partition into c clusters is as good as any other.
            alike = Enumerable.Range(1, n - 1).SelectMany(j => pooled[(j * n)..(j * n + j)]).Distinct().Count() == 1 && n > 2;
            Near.Equal(expected, Affinities.Of(backend, pooled, n), AffinityDouble, 0, "affinity");
        }
        var result = clustering.FitPredict(backend, expected, n);
        // The solver's own change of method at c = n is no concern of the user.
        var ofInterest = golden.TryGetProperty("warnings", out var warnings)
            ? warnings.EnumerateArray().Count(w => !w.GetString()!.Contains("scipy", StringComparison.Ordinal))
            : 0;
        Assert.Equal(ofInterest, result.Warnings.Count);
        if (alike)
        {
            Assert.Equal(Enumerable.Range(0, c), result.Labels.Distinct().Order());
            return;
        }
        CheckLabels(golden, result, name!);
    }

    private static void CheckLabels(IBackend backend, JsonElement golden, double[] affinity, int n, string what, int[]? truth)
    {
        foreach (var perCount in golden.EnumerateObject())
        {
            if (perCount.Value.ValueKind == JsonValueKind.Object && perCount.Value.TryGetProperty("labels", out _)
                && int.TryParse(perCount.Name.AsSpan(1), out var c))
            {
                var result = new SpectralClustering { NClusters = c }.FitPredict(backend, affinity, n);
                CheckLabels(perCount.Value, result, $"{what} {perCount.Name}");
                if (truth is not null && perCount.Value.GetProperty("stable").GetBoolean())
                {
                    Assert.Equal(perCount.Value.Number("accuracy"), Metrics.Accuracy(truth, result.Labels));
                }
            }
        }
    }

    private static void CheckLabels(JsonElement golden, SpectralClusteringResult result, string what)
    {
        if (!golden.TryGetProperty("stable", out var stable) || stable.GetBoolean())
        {
            Near.SamePartition(golden.Ints("labels"), result.Labels, what);
            return;
        }
        var best = golden.Number("best_scatter_of_100");
        Assert.True(result.Inertia <= 1.01 * best, $"{what}: scatter {result.Inertia:R}, best known {best:R}");
    }

    private static double[] Widen(float[] values) => Array.ConvertAll(values, v => (double)v);

    private static double[] Widen(SafeTensorsFile file, string name) => Widen(file.Get(name).ToSingles());
}
