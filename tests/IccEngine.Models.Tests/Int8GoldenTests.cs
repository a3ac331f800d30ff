using System.Collections.Concurrent;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;
using Xunit.Abstractions;

namespace IccEngine.Models.Tests;

/// <summary>The models of the expected values with weights in int8: the same on every backend, and as far from the stored weights as rounding goes.</summary>
[Trait("Category", "Goldens")]
public class Int8GoldenTests(ITestOutputHelper output)
{
    private const string None = "(none)";
    private const string Twin = "reference-f64";
    private static readonly ConcurrentDictionary<string, Lazy<float[]>> _twins = [];

    private static IEnumerable<string> Names => Goldens.Folders("models").Where(f => Ids(f) is not null).DefaultIfEmpty(None);

    public static TheoryData<string> Folders => [.. Names];

    public static IEnumerable<object[]> FoldersOnBackends =>
        Names.SelectMany(folder => TestBackends.All.Where(b => b != Twin).Select(backend => new object[] { folder, backend }));

    [SkippableTheory]
    [MemberData(nameof(FoldersOnBackends))]
    public void Logits_are_the_twins(string folder, string backendName)
    {
        Skip.If(folder == None, "no model folders in this set of expected values");
        using var backend = TestBackends.Create(backendName);
        var expected = _twins.GetOrAdd(folder, f => new Lazy<float[]>(() =>
        {
            using var twin = TestBackends.Create(Twin);
            return Logits(f, twin, WeightFormat.Int8);
        })).Value;
        using var document = ModelGoldenTests.ReadCases(folder);
        // The weights are the same numbers on both: what float32 may do to the stored ones it may do to these.
        Tolerance.Read(document.RootElement, "logits").Check($"{folder}, {backendName}, int8", Logits(folder, backend, WeightFormat.Int8), expected);
    }

    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void Logits_are_as_far_from_the_stored_ones_as_half_a_step_moves_them(string folder)
    {
        Skip.If(folder == None, "no model folders in this set of expected values");
        using var backend = new CpuBackend(2);
        var stored = Logits(folder, backend, WeightFormat.Stored);
        var found = Logits(folder, backend, WeightFormat.Int8);
        var moved = new[] { 1, 2, 3 }.Select(seed => RoundingNoise.Rms(Moved(folder, backend, seed), stored)).ToArray();
        var error = RoundingNoise.Rms(found, stored);
        var (largest, worst) = (stored.Max(MathF.Abs), stored.Zip(found, (a, b) => MathF.Abs(a - b)).Max());
        output.WriteLine(FormattableString.Invariant(
            $"{folder}: max |difference| {worst:0.0000}, {100 * worst / largest:0.00} % of max |logit| {largest:0.00}; rms {error:0.00000}; of random moves {string.Join(", ", moved.Select(m => m.ToString("0.00000")))}"));
        // Rounding and random moves have one variance, step^2 / 12; twice either way is what chance does to few and correlated logits.
        Assert.InRange(error, moved.Min() / 2, moved.Max() * 2);
    }

    private static float[] Moved(string folder, IBackend backend, int seed)
    {
        using var temporary = new TemporaryFolder();
        using (var checkpoint = Checkpoint.Open(Goldens.At("models", folder)))
        {
            RoundingNoise.Write(checkpoint, temporary.Path, seed);
        }
        using var model = CausalLM.Load(ModelConfig.Load(Goldens.At("models", folder)), Checkpoint.Open(temporary.Path), backend);
        return Logits(folder, model);
    }

    private static float[] Logits(string folder, IBackend backend, WeightFormat format)
    {
        using var model = CausalLM.Load(Goldens.At("models", folder), backend, format);
        return Logits(folder, model);
    }

    private static float[] Logits(string folder, CausalLM model) =>
        ModelInspector.Run(model, new InspectRequest { Ids = Ids(folder)!, Hidden = false }).Single().Values;

    /// <summary>The shortest prompt of the folder, or null where it has none.</summary>
    private static int[]? Ids(string folder)
    {
        using var document = ModelGoldenTests.ReadCases(folder);
        return document.RootElement.TryGetProperty("cases", out var cases)
            ? cases.EnumerateArray().Where(c => c.TryGetProperty("input_ids", out _)).Select(c => ModelGoldenTests.Ids(c, "input_ids"))
                .Where(ids => ids.Length > 1).MinBy(ids => ids.Length)
            : null;
    }
}
