using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Every adapter folder of the expected values, unmerged and merged.</summary>
[Trait("Category", "Goldens")]
public class LoraGoldenTests
{
    private const string None = "(none)";

    public static TheoryData<string, string, bool> Cases
    {
        get
        {
            var data = new TheoryData<string, string, bool>();
            foreach (var folder in Goldens.Folders("lora"))
            {
                foreach (var backend in TestBackends.All)
                {
                    data.Add(folder, backend, false);
                    data.Add(folder, backend, true);
                }
            }
            if (data.Count == 0)
            {
                data.Add(None, None, false);
            }
            return data;
        }
    }

    public static TheoryData<string> MergedCases
    {
        get
        {
            string[] folders = [.. Goldens.Folders("lora").Where(f => File.Exists(Goldens.At("lora", f, "merged.safetensors")))];
            return [.. folders.DefaultIfEmpty(None)];
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_agree_with_the_reference(string folder, string backendName, bool merged)
    {
        Skip.If(folder == None, "no adapter folders in this set of expected values");
        using var document = ReadCases(folder);
        using var backend = TestBackends.Create(backendName);
        using var model = LoadBase(document, backend);
        using var adapter = LoraAdapter.Load(model, Goldens.At("lora", folder), merged);
        using var expected = SafeTensorsFile.Open(Goldens.At("lora", folder, "expected.safetensors"));
        var tolerance = Tolerance.Read(document.RootElement, "logits");
        var sequences = document.RootElement.GetProperty("sequences").EnumerateArray().ToArray();
        for (var s = 0; s < sequences.Length; s++)
        {
            var ids = sequences[s].EnumerateArray().Select(i => i.GetInt32()).ToArray();
            var logits = ModelInspector.Run(model, new InspectRequest { Ids = ids, Hidden = false, Adapter = adapter }).Single().Values;
            var reference = expected.TryGet($"s{s}.logits", out var all) ? all : expected.Get($"s{s}.logits_last4");
            tolerance.Check($"{folder}, s{s}, {backendName}, merged {merged}", logits[^(int)reference.Elements..], reference.ToSingles());
        }
        Assert.NotEmpty(sequences);
    }

    [SkippableTheory]
    [MemberData(nameof(MergedCases))]
    public void Merged_weights_agree_with_the_reference(string folder)
    {
        Skip.If(folder == None, "no merged weights in this set of expected values");
        const double tolerance = 1e-6; // the README of the expected values states it; their cases.json has one for the logits only
        using var document = ReadCases(folder);
        using var adapter = AdapterFile.Open(Goldens.At("lora", folder));
        using var weights = Checkpoint.Open(BaseFolder(document));
        using var expected = SafeTensorsFile.Open(Goldens.At("lora", folder, "merged.safetensors"));
        foreach (var tensor in expected.Tensors)
        {
            var module = adapter.Modules.Single(m => m.Name + ".weight" == tensor.Name);
            new Tolerance(tolerance, 0).Check($"{folder}, {tensor.Name}", LoraMerge.Merge(weights.Get(tensor.Name), module), tensor.ToSingles());
        }
        Assert.NotEmpty(expected.Tensors);
    }

    [SkippableFact]
    public void Adapters_are_switched_per_sequence_in_one_batch()
    {
        var folders = Goldens.Folders("lora").Where(f => File.Exists(Goldens.At("lora", f, "expected.safetensors"))).ToArray();
        Skip.If(folders.Length < 2, "fewer than two adapter folders in this set of expected values");
        foreach (var group in folders.GroupBy(f => BaseFolder(ReadCases(f))))
        {
            using var backend = TestBackends.Create("reference");
            using var model = CausalLM.Load(group.Key, backend);
            LoraAdapter?[] adapters = [null, .. group.Select(f => LoraAdapter.Load(model, Goldens.At("lora", f)))];
            using var session = new InferenceSession(
                model, new SessionOptions(1000, adapters.Length, 16, adapters.Max(a => a?.Rank ?? 0)));
            int[] ids = [1, 5, 7, 11, 13, 2, 4];
            var together = new float[adapters.Length][];
            session.Forward([.. adapters.Select(a => new SequenceInput(session.Begin(a), ids))]);
            for (var i = 0; i < adapters.Length; i++)
            {
                together[i] = Read(model, session.LastLogits(i));
            }
            for (var i = 0; i < adapters.Length; i++)
            {
                session.Forward([new SequenceInput(session.Begin(adapters[i]), ids)]);
                Assert.Equal(Read(model, session.LastLogits(0)), together[i]);
                Assert.True(i == 0 || !together[i].SequenceEqual(together[0]), $"adapter {i} of {group.Key} changes nothing");
            }
            Array.ForEach(adapters, a => a?.Dispose());
        }
    }

    private static float[] Read(CausalLM model, Tensor logits)
    {
        var values = new float[logits.Shape.Elements];
        model.Backend.Read(logits, values);
        return values;
    }

    private static JsonDocument ReadCases(string folder) => JsonDocument.Parse(File.ReadAllBytes(Goldens.At("lora", folder, "cases.json")));

    private static string BaseFolder(JsonDocument cases) => Goldens.At("models", cases.RootElement.GetProperty("base").GetString()!);

    private static CausalLM LoadBase(JsonDocument cases, IBackend backend) => CausalLM.Load(BaseFolder(cases), backend);
}
