using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Testing;

/// <summary>The backends that a test runs on, by name.</summary>
public static class TestBackends
{
    /// <summary>The naive twin in float32 and float64, and the CPU under each instruction set.</summary>
    public static IReadOnlyList<string> All { get; } =
        ["reference", "reference-f64", .. Enum.GetValues<InstructionSet>().Select(s => $"cpu-{s}".ToLowerInvariant())];

    /// <summary>Makes a backend; the test is skipped, with the reason, where this machine or process lacks its instruction set.</summary>
    public static IBackend Create(string name, int threads = 2)
    {
        if (name == "reference")
        {
            return new ReferenceBackend<float>();
        }
        if (name == "reference-f64")
        {
            return new ReferenceBackend<double>();
        }
        var set = Enum.Parse<InstructionSet>(name["cpu-".Length..], ignoreCase: true);
        Skip.IfNot(CpuBackend.Supported.Contains(set), $"this process cannot run {set} instructions");
        return new CpuBackend(threads, set);
    }
}
