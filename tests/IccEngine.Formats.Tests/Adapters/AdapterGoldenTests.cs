using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

[Trait("Category", "Goldens")]
public sealed class AdapterGoldenTests
{
    public static IEnumerable<object[]> Adapters() => Goldens.Folders("lora").DefaultIfEmpty("").Select(a => new object[] { a });

    public static IEnumerable<object[]> MergedAdapters() =>
        Goldens.Folders("lora").Where(a => File.Exists(Merged(a))).DefaultIfEmpty("").Select(a => new object[] { a });

    private static string Merged(string adapter) => Goldens.At("lora", adapter, "merged.safetensors");

    [SkippableTheory]
    [MemberData(nameof(Adapters))]
    public void The_adapted_modules_are_those_of_the_reference_and_fit_the_base(string adapter)
    {
        Skip.If(adapter.Length == 0, $"no adapters below {Goldens.Root}");
        using var cases = Cases(adapter);
        using var file = AdapterFile.Open(Goldens.At("lora", adapter));
        var expected = cases.RootElement.GetProperty("modules").EnumerateArray().Select(m => m.GetString()!);
        Assert.Equal(expected.Order(StringComparer.Ordinal), file.Modules.Where(m => m.Rank > 0).Select(m => m.Name));
        using var weights = OpenBase(cases);
        foreach (var module in file.Modules)
        {
            var weight = Weight(weights, module.Name);
            Assert.Equal(weight.Extents, module.SavedWeight?.Extents ?? weight.Extents);
            Assert.Equal(weight.Extents[0], module.Bias?.Extents[0] ?? weight.Extents[0]);
            Assert.Equal(weight.Extents[0], module.B?.Extents[0] ?? weight.Extents[0]);
            Assert.Equal(weight.Extents[1], module.A?.Extents[1] ?? weight.Extents[1]);
            Assert.Equal(weight.Extents[0], module.EmbeddingA?.Extents[1] ?? weight.Extents[0]);
            Assert.Equal(weight.Extents[1], module.EmbeddingB?.Extents[0] ?? weight.Extents[1]);
            Assert.True(module.Rank == 0 || module.Scale > 0);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Adapters))]
    public void Every_tensor_of_the_file_is_part_of_a_module(string adapter)
    {
        Skip.If(adapter.Length == 0, $"no adapters below {Goldens.Root}");
        using var file = AdapterFile.Open(Goldens.At("lora", adapter));
        using var weights = SafeTensorsFile.Open(file.Path);
        var parts = file.Modules.SelectMany(m => new[] { m.A, m.B, m.Magnitude, m.EmbeddingA, m.EmbeddingB, m.Bias, m.SavedWeight }).OfType<HostTensor>();
        Assert.Equal(weights.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), parts.Select(t => t.Name).Order(StringComparer.Ordinal));
    }

    [SkippableTheory]
    [MemberData(nameof(MergedAdapters))]
    public void Base_and_scaled_update_together_are_the_merged_weight(string adapter)
    {
        Skip.If(adapter.Length == 0, $"no adapters with merged.safetensors below {Goldens.Root}");
        using var cases = Cases(adapter);
        using var file = AdapterFile.Open(Goldens.At("lora", adapter));
        using var weights = OpenBase(cases);
        using var merged = SafeTensorsFile.Open(Merged(adapter));
        var tolerance = Tolerance.Read(cases.RootElement, "merged");
        foreach (var expected in merged.Tensors)
        {
            var module = file.Modules.Single(m => $"{m.Name}.weight" == expected.Name);
            tolerance.Check(expected.Name, Update(weights.Get(expected.Name), module), expected.ToSingles());
        }
    }

    private static float[] Update(HostTensor weight, LoraModule module)
    {
        var values = weight.ToSingles();
        var (a, b) = (module.A!.ToSingles(), module.B!.ToSingles());
        var columns = (int)weight.Extents[1];
        for (var i = 0; i < values.Length; i++)
        {
            double sum = 0;
            for (var k = 0; k < module.Rank; k++)
            {
                sum += (double)b[i / columns * module.Rank + k] * a[k * columns + i % columns];
            }
            values[i] = (float)(values[i] + module.Scale * sum);
        }
        return values;
    }

    private static JsonDocument Cases(string adapter) => JsonDocument.Parse(File.ReadAllBytes(Goldens.At("lora", adapter, "cases.json")));

    private static Checkpoint OpenBase(JsonDocument cases)
    {
        var folder = Goldens.At("models", cases.RootElement.GetProperty("base").GetString()!);
        Skip.IfNot(Directory.Exists(folder), $"no base model {folder}");
        return Checkpoint.Open(folder);
    }

    private static HostTensor Weight(Checkpoint weights, string module) =>
        weights.TryGet($"{module}.weight", out var weight) ? weight : weights.Get("model.embed_tokens.weight");
}
