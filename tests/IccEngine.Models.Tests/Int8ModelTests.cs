using System.Globalization;
using System.Text.Json;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Models in int8: bytes, memory, adapters, and weights that are refused.</summary>
public sealed class Int8ModelTests : IDisposable
{
    private const int Hidden = 256, Layers = 4, Vocabulary = 64;
    private readonly TemporaryFolder _folder = new();
    private readonly string _model = SmallModel.Write(Vocabulary, Hidden, Layers, heads: 4, kvHeads: 4, ffn: 256);

    public void Dispose()
    {
        _folder.Dispose();
        Directory.Delete(_model, recursive: true);
    }

    [Fact]
    public void A_token_reads_34_bytes_for_32_weights()
    {
        using var backend = new CpuBackend(1);
        using var model = CausalLM.Load(_model, backend, WeightFormat.Int8);
        using var stored = CausalLM.Load(_model, backend);
        const long weights = Layers * 7L * Hidden * Hidden + Vocabulary * Hidden; // tied: the table is the output matrix
        Assert.Equal((weights * 34 / 32, weights * 4), (model.StepBytes, stored.StepBytes));
        Assert.Equal((WeightFormat.Int8, WeightFormat.Stored), (model.WeightFormat, stored.WeightFormat));
    }

    [Fact]
    public void A_decoded_token_allocates_nothing()
    {
        using var backend = new CpuBackend(2);
        using var model = CausalLM.Load(_model, backend, WeightFormat.Int8);
        using var session = new InferenceSession(model, new SessionOptions(500));
        var sequence = session.Begin();
        var next = new int[1];
        session.Forward([new SequenceInput(sequence, new int[100])]);
        void Decode(int count)
        {
            for (var i = 0; i < count; i++)
            {
                session.Forward([new SequenceInput(sequence, next)]);
            }
        }
        Decode(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decode(200);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [SkippableFact]
    public void The_files_pages_are_let_go_of()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "resident pages of a mapping are read from /proc");
        var folder = SmallModel.Write(Vocabulary, hidden: 1024, layers: 4, heads: 4, kvHeads: 4, ffn: 1024);
        try
        {
            using var backend = new CpuBackend(2);
            using var model = CausalLM.Load(folder, backend, WeightFormat.Int8);
            var (size, resident) = Mapping(Path.Combine(folder, Checkpoint.SingleName));
            // 64 KiB and more lie between matrices: norms, the header, pages that two tensors share.
            Assert.InRange(resident, 0, size / 50);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_matrix_of_float64_is_refused()
    {
        using var backend = new CpuBackend(1);
        var path = Damage(t => HostTensor.FromArray(t.Name, Array.ConvertAll(t.ToSingles(), v => (double)v), [.. t.Extents]));
        var error = Assert.Throws<IccUnsupportedException>(() => CausalLM.Load(path, backend, WeightFormat.Int8).Dispose());
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("model.layers.1.mlp.up_proj.weight: F64", error.Message, StringComparison.Ordinal);
        CausalLM.Load(path, backend).Dispose();
    }

    [Fact]
    public void A_matrix_with_a_number_that_is_none_is_refused()
    {
        using var backend = new CpuBackend(1);
        var path = Damage(t =>
        {
            var values = t.ToSingles();
            values[3 * Hidden + 200] = float.NaN;
            return HostTensor.FromArray(t.Name, values, [.. t.Extents]);
        });
        var error = Assert.Throws<IccUnsupportedException>(() => CausalLM.Load(path, backend, WeightFormat.Int8).Dispose());
        Assert.Contains("model.layers.1.mlp.up_proj.weight: [3, 200] is NaN", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [SkippableFact]
    [Trait("Category", "Goldens")]
    public void An_adapter_is_merged_before_its_weights_are_quantised()
    {
        var names = Goldens.Folders("lora").ToArray();
        Skip.If(names.Length == 0, "no adapter folders in this set of expected values");
        using var backend = new CpuBackend(2);
        foreach (var name in names)
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("lora", name, "cases.json")));
            var folder = Goldens.At("models", document.RootElement.GetProperty("base").GetString()!);
            using var model = CausalLM.Load(folder, backend, WeightFormat.Int8);
            using var adapter = LoraAdapter.Load(model, Goldens.At("lora", name), merged: true);
            using var beside = LoraAdapter.Load(model, Goldens.At("lora", name));
            var (plain, found) = (Logits(model, null), Logits(model, adapter));
            Assert.NotEqual(plain, found);
            // What the adapter adds is far more than what rounding its weights once more takes away.
            Assert.InRange(RoundingNoise.Rms(found, Logits(model, beside)), 0, RoundingNoise.Rms(found, plain));
            if (AllAreMerged(folder, name) is { } merged)
            {
                using var whole = CausalLM.Load(ModelConfig.Load(folder), merged, backend, WeightFormat.Int8);
                Assert.Equal(Logits(whole, null), found);
            }
        }
    }

    private static float[] Logits(CausalLM model, LoraAdapter? adapter) =>
        ModelInspector.Run(model, new InspectRequest { Ids = [1, 5, 7, 11, 13, 2, 4], Hidden = false, Adapter = adapter }).Single().Values;

    /// <summary>The base weights with the adapter's in their place; null where the adapter changes more than matrices that it adds to.</summary>
    private Checkpoint? AllAreMerged(string folder, string adapterName)
    {
        using var adapter = AdapterFile.Open(Goldens.At("lora", adapterName));
        if (adapter.Modules.Any(m => m.SavedWeight is not null || m.Bias is not null || m.Name is "lm_head" or "model.embed_tokens"))
        {
            return null;
        }
        using var weights = Checkpoint.Open(folder);
        var modules = adapter.Modules.ToDictionary(m => m.Name + ".weight");
        var path = _folder.At(adapterName + ".safetensors");
        SafeTensorsWriter.Write(path, weights.Tensors.Select(t => SafeTensorsItem.From(
            modules.TryGetValue(t.Name, out var module) ? HostTensor.FromArray(t.Name, LoraMerge.Merge(t, module), [.. t.Extents]) : t)));
        return Checkpoint.Open(path);
    }

    /// <summary>The model's folder again, with one matrix changed.</summary>
    private string Damage(Func<HostTensor, HostTensor> change)
    {
        File.Copy(Path.Combine(_model, "config.json"), _folder.At("config.json"));
        using var weights = Checkpoint.Open(_model);
        SafeTensorsWriter.Write(
            _folder.At(Checkpoint.SingleName),
            weights.Tensors.Select(t => SafeTensorsItem.From(t.Name == "model.layers.1.mlp.up_proj.weight" ? change(t) : t)));
        return _folder.Path;
    }

    /// <summary>Bytes of a file's mappings, and those that are resident.</summary>
    private static (long Size, long Resident) Mapping(string path)
    {
        var (size, resident, inside) = (0L, 0L, false);
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            inside = words[0].EndsWith(':') ? inside : line.EndsWith(path, StringComparison.Ordinal);
            if (inside && (words[0] is "Size:" or "Rss:"))
            {
                var bytes = 1024 * long.Parse(words[1], CultureInfo.InvariantCulture);
                (size, resident) = words[0] == "Size:" ? (size + bytes, resident) : (size, resident + bytes);
            }
        }
        Assert.True(size > 0, $"{path} is not mapped");
        return (size, resident);
    }
}
