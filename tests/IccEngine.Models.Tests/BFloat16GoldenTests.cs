using System.Text.Json;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>
/// Models of the expected values computed in bfloat16. How far rounding may carry the pooled attention depends on the model, so it is
/// measured: rounding both sides of a product is an error of up to 2^-8 of it, and float32 with weights that are off by up to that share
/// gives the size of what follows. The root mean square of the errors may be twice as large, and must not be that of float32.
/// </summary>
[Trait("Category", "Goldens")]
public class BFloat16GoldenTests
{
    private const string None = "(none)";
    private const double Share = 1.0 / 256;

    public static IEnumerable<object[]> Cases
    {
        get
        {
            string[] folders = [.. Goldens.Folders("models").Where(f => PooledCases(f).Length > 0)];
            return new[] { TestBackends.CudaOnHost, TestBackends.Cuda }.SelectMany(b => folders.DefaultIfEmpty(None).Select(f => new object[] { f, b }));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Pooled_attention_is_off_as_rounding_explains(string folder, string backendName)
    {
        Skip.If(folder == None, "no pooled attention of models in this set of expected values");
        using var rounding = TestBackends.CreateCuda(backendName, DType.BF16);
        using var exact = new CpuBackend(2);
        using var perturbing = new PerturbingBackend(new CpuBackend(2), Share);
        var path = Goldens.At("models", folder);
        using var expected = SafeTensorsFile.Open(Path.Combine(path, "expected.safetensors"));
        double Off(IBackend backend)
        {
            using var model = CausalLM.Load(path, backend);
            var (sum, count) = (0.0, 0L);
            foreach (var found in PooledCases(folder))
            {
                foreach (var (key, values) in Pooled(model, found))
                {
                    var reference = expected.Get($"{found.GetProperty("name").GetString()}.{key}").ToSingles();
                    Assert.Equal(reference.Length, values.Length);
                    sum += values.Zip(reference, (v, r) => ((double)v - r) * ((double)v - r)).Sum();
                    count += values.Length;
                }
            }
            Assert.NotEqual(0, count);
            return Math.Sqrt(sum / count);
        }
        var (found, allowed, floor) = (Off(rounding), 2 * Off(perturbing), 2 * Off(exact));
        Assert.True(found <= allowed, $"{folder}: off by {found:G3} in the mean, expected at most {allowed:G3}");
        Assert.True(found >= floor, $"{folder}: off by {found:G3} in the mean, as float32 is ({floor / 2:G3}): was anything rounded?");
    }

    private static JsonElement[] PooledCases(string folder)
    {
        using var document = ModelGoldenTests.ReadCases(folder);
        return !document.RootElement.TryGetProperty("cases", out var cases) ? []
            : [.. cases.EnumerateArray().Where(c => Keys(c).Any()).Select(c => c.Clone())];
    }

    private static IEnumerable<string> Keys(JsonElement found) => !found.TryGetProperty("keys", out var keys) ? []
        : keys.EnumerateArray().Select(k => k.GetString()!).Where(k => k.Contains(".pool", StringComparison.Ordinal));

    private static IEnumerable<(string Key, float[] Values)> Pooled(CausalLM model, JsonElement found)
    {
        var (prefix, pools) = (found.GetProperty("name").GetString() + ".", found.GetProperty("pools"));
        string[] wanted = [.. Keys(found).Select(k => k[prefix.Length..])];
        for (var p = 0; p < pools.GetArrayLength(); p++)
        {
            var tap = new TapRequest
            {
                Spans = [.. pools[p].GetProperty("spans").EnumerateArray().Select(s => new TokenSpan(s[0].GetInt32(), s[1].GetInt32()))],
                Singles = ModelGoldenTests.Ids(pools[p], "singles"),
            };
            var request = new InspectRequest { Ids = ModelGoldenTests.Ids(found, "input_ids"), Hidden = false, Logits = false, Tap = tap };
            foreach (var tensor in ModelInspector.Run(model, request))
            {
                var key = tensor.Name.Replace("pool0", $"pool{p}", StringComparison.Ordinal);
                if (wanted.Contains(key))
                {
                    yield return (key, tensor.Values);
                }
            }
        }
    }
}
