using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>What a profile holds, by the counts of the model, and the trace that is written of it.</summary>
public sealed class ProfilerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_layer_has_its_operations_and_the_formulas_of_a_prefill()
    {
        var config = BenchmarkModel.ConfigOf("tiny");
        BenchmarkModel.Write("tiny", "f32", _folder.At("model"));
        var report = Profiler.Run(new ProfileOptions { Model = _folder.At("model"), Tokens = 40, Spans = 4, Threads = 2 });
        string[] layer =
        [
            "input_layernorm", "q_proj", "k_proj", "v_proj", "rotate_and_store", "attention with taps", "o_proj", "post_attention_layernorm",
            "gate_proj", "up_proj", "silu_multiply", "down_proj",
        ];
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            Assert.Equal(layer, report.Events.Where(e => e.Layer == i).Select(e => e.Operation));
        }
        Assert.Equal(["norm", "lm_head"], report.Events.SkipWhile(e => e.Layer is null).Where(e => e.Layer is null).Select(e => e.Operation));
        // The norms' operations are no part of the formula of a prefill.
        var flops = report.Events.Where(e => !e.Operation.EndsWith("norm", StringComparison.Ordinal)).Sum(e => e.Flops);
        Assert.Equal(ModelBenchmarks.PrefillFlops(config, 40), flops);
        Assert.Equal(BenchmarkModel.WeightBytes(config, DType.F32), report.Memory.Single(m => m.Name == "weights").Bytes);
        Assert.Equal(report.Events.Count, report.ByOperation().Sum(r => r.Calls));
        Assert.Equal(["embed", .. Enumerable.Range(0, config.NumHiddenLayers).Select(l => $"layer {l}"), "head"], report.ByLayer().Select(r => r.Name));
        Assert.Equal(report.Events.Sum(e => e.Bytes), report.ByLayer().Sum(r => r.Bytes));
    }

    [Fact]
    public void A_trace_is_json_whose_events_nest()
    {
        var report = Profiler.Run(new ProfileOptions { Tokens = 20, Threads = 1 });
        var file = _folder.At("trace.json");
        ChromeTrace.Write(report, file);
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        var events = json.RootElement.GetProperty("traceEvents").EnumerateArray().ToArray();
        Assert.Equal(report.Events.Count, events.Count(e => e.GetProperty("cat").GetString() == "operation"));
        var open = new Stack<(decimal End, string Category)>();
        foreach (var e in events)
        {
            Assert.Equal("X", e.GetProperty("ph").GetString());
            var (start, duration, category) = (e.GetProperty("ts").GetDecimal(), e.GetProperty("dur").GetDecimal(), e.GetProperty("cat").GetString()!);
            Assert.True(start >= 0 && duration >= 0);
            while (open.TryPeek(out var around) && around.End <= start && open.Count > 1)
            {
                open.Pop();
            }
            if (open.TryPeek(out var parent))
            {
                Assert.True(start + duration <= parent.End, $"{category} ends {start + duration - parent.End} us after the {parent.Category} around it");
                Assert.NotEqual("operation", parent.Category);
            }
            open.Push((start + duration, category));
        }
        Assert.Contains(events, e => e.GetProperty("name").GetString() == "layer 5");
    }

    [Fact]
    public void A_recorded_pass_gives_the_bits_of_an_unrecorded_one()
    {
        using var device = Device.Open("cpu", 2);
        using var recording = new ProfilingBackend(device, waits: false);
        var values = Enumerable.Range(0, 12).Select(i => (float)Math.Sin(i)).ToArray();
        using var weight = recording.LoadWeight(HostTensor.FromArray("model.layers.7.mlp.up_proj.weight", values, 3, 4));
        float[] Product(IBackend backend)
        {
            var (x, y) = (backend.Allocate(new Shape(2, 4)), backend.Allocate(new Shape(2, 3)));
            backend.Write(values.AsSpan(0, 8), x);
            backend.Linear(x, weight, null, y);
            var found = new float[6];
            backend.Read(y, found);
            return found;
        }
        Assert.Equal(Product(device), Product(recording));
        Assert.Equal(("up_proj", 7), recording.Events.Where(e => e.Operation.EndsWith("proj", StringComparison.Ordinal)).Select(e => (e.Operation, e.Layer)).Single());
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(BenchmarkOptions.MaxTokens + 1, 0)]
    [InlineData(4, 5)]
    [InlineData(4, -1)]
    public void Impossible_numbers_are_refused(int tokens, int spans) =>
        Assert.Throws<IccArgumentException>(() => Profiler.Run(new ProfileOptions { Tokens = tokens, Spans = spans }));

    [Fact]
    public void A_trace_that_cannot_be_written_is_an_error_of_the_file()
    {
        var report = new ProfileReport("model", "machine", 1, 0, 1, [], [], null);
        Assert.Throws<IccFormatException>(() => ChromeTrace.Write(report, _folder.At("no-such-folder/trace.json")));
    }
}
