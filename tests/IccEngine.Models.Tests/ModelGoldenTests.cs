using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Models.Tests;

/// <summary>Every model folder of the expected values: hidden states, attention, pooled attention, logits and greedy ids.</summary>
[Trait("Category", "Goldens")]
public class ModelGoldenTests
{
    private const string None = "(none)";

    public static TheoryData<string, string, string> Cases => Collect("cases", "keys");

    public static TheoryData<string, string, string> Generations => Collect("generation", "new_ids");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Values_agree_with_the_reference(string folder, string name, string backendName)
    {
        Skip.If(folder == None, "no model folders in this set of expected values");
        using var backend = TestBackends.Create(backendName);
        using var model = CausalLM.Load(Goldens.At("models", folder), backend);
        using var expected = SafeTensorsFile.Open(Goldens.At("models", folder, "expected.safetensors"));
        using var document = ReadCases(folder);
        var found = document.RootElement.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        var compared = 0;
        foreach (var chunk in new[] { 512, 13 })
        {
            var values = Inspect(model, found, chunk);
            foreach (var key in found.GetProperty("keys").EnumerateArray().Select(k => k.GetString()!))
            {
                var tolerance = Tolerance.Read(document.RootElement, KindOf(key[(name.Length + 1)..]));
                tolerance.Check(
                    $"{folder}, {key}, {backendName}, chunks of {chunk}", values[key[(name.Length + 1)..]](), expected.Get(key).ToSingles());
                compared++;
            }
        }
        Assert.NotEqual(0, compared);
    }

    [SkippableTheory]
    [MemberData(nameof(Generations))]
    public void Greedy_ids_agree_with_the_reference(string folder, string name, string backendName)
    {
        Skip.If(folder == None, "no model folders in this set of expected values");
        using var backend = TestBackends.Create(backendName);
        using var model = CausalLM.Load(Goldens.At("models", folder), backend);
        using var document = ReadCases(folder);
        var found = document.RootElement.GetProperty("generation").EnumerateArray().Single(c => c.GetProperty("name").GetString() == name);
        var prompt = Ids(found, "prompt_ids");
        var expected = Ids(found, "new_ids");
        foreach (var chunk in new[] { 512, 11 })
        {
            using var session = new InferenceSession(model, new SessionOptions(prompt.Length + expected.Length, 1, chunk));
            var ids = Decoding.Generate(session, session.Begin(), prompt, new GenerationOptions { MaxNewTokens = expected.Length }).Select(t => t.Id);
            Assert.Equal(expected, ids);
        }
    }

    internal static int[] Ids(JsonElement element, string key) => [.. element.GetProperty(key).EnumerateArray().Select(i => i.GetInt32())];

    internal static JsonDocument ReadCases(string folder) => JsonDocument.Parse(File.ReadAllBytes(Goldens.At("models", folder, "cases.json")));

    private static string KindOf(string key) => key.Split('.')[0] switch
    {
        "logits" or "logits_last4" => "logits",
        "hidden" => "hidden",
        "attn" or "attn_mean" => "attention",
        var pool when pool.StartsWith("pool", StringComparison.Ordinal) => "pooled",
        var other => throw new InvalidDataException($"no tolerance is known for {other}"),
    };

    /// <summary>All values that the case may name, under the name of their key without the case's prefix.</summary>
    private static Dictionary<string, Func<float[]>> Inspect(CausalLM model, JsonElement found, int chunk)
    {
        var ids = Ids(found, "input_ids");
        var config = model.Config;
        var wantMaps = found.GetProperty("keys").EnumerateArray().Any(k => k.GetString()!.Contains(".attn", StringComparison.Ordinal));
        var request = new InspectRequest
        {
            Ids = ids,
            MaxBatchTokens = chunk,
            Maps = wantMaps ? [.. Enumerable.Range(0, config.NumHiddenLayers).Select(l => (l, (int?)null))] : [],
        };
        var values = ModelInspector.Run(model, request).ToDictionary(t => t.Name, t => (Func<float[]>)(() => t.Values));
        values["logits_last4"] = Last(values["logits"](), 4 * config.VocabSize);
        for (var layer = 0; wantMaps && layer < config.NumHiddenLayers; layer++)
        {
            var maps = values[$"attn.layer{layer}"]();
            values[$"attn_mean.layer{layer}"] = () => MeanOverHeads(maps, config.NumAttentionHeads);
        }
        var pools = found.GetProperty("pools");
        for (var p = 0; p < pools.GetArrayLength(); p++)
        {
            var tap = new TapRequest
            {
                Spans = [.. pools[p].GetProperty("spans").EnumerateArray().Select(s => new TokenSpan(s[0].GetInt32(), s[1].GetInt32()))],
                Singles = Ids(pools[p], "singles"),
            };
            // Once on the way to the logits, once as a prefill that stops at the last tapped layer: the latter is what is compared.
            var whole = ModelInspector.Run(model, new InspectRequest { Ids = ids, MaxBatchTokens = chunk, Hidden = false, Tap = tap });
            var stopped = ModelInspector.Run(
                model, new InspectRequest { Ids = ids, MaxBatchTokens = chunk, Hidden = false, Logits = false, Tap = tap });
            foreach (var tensor in stopped)
            {
                Assert.Equal(whole.Single(t => t.Name == tensor.Name).Values, tensor.Values);
                values[tensor.Name.Replace("pool0", $"pool{p}", StringComparison.Ordinal)] = () => tensor.Values;
            }
        }
        return values;
    }

    private static Func<float[]> Last(float[] values, int count) => () => values[^Math.Min(count, values.Length)..];

    private static float[] MeanOverHeads(float[] maps, int heads)
    {
        var mean = new float[maps.Length / heads];
        for (var i = 0; i < mean.Length; i++)
        {
            mean[i] = (float)Enumerable.Range(0, heads).Average(h => (double)maps[h * mean.Length + i]);
        }
        return mean;
    }

    /// <summary>Folder, case and backend of every entry of a list in the folders' cases.json.</summary>
    private static TheoryData<string, string, string> Collect(string list, string required)
    {
        var data = new TheoryData<string, string, string>();
        foreach (var folder in Goldens.Folders("models"))
        {
            using var document = ReadCases(folder);
            if (!document.RootElement.TryGetProperty(list, out var entries) || entries.ValueKind != JsonValueKind.Array)
            {
                continue;
            }
            foreach (var entry in entries.EnumerateArray().Where(e => e.TryGetProperty(required, out _) && e.TryGetProperty("name", out _)))
            {
                foreach (var backend in TestBackends.All)
                {
                    data.Add(folder, entry.GetProperty("name").GetString()!, backend);
                }
            }
        }
        if (data.Count == 0)
        {
            data.Add(None, None, None);
        }
        return data;
    }
}
