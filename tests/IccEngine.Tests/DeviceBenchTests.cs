using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.DeviceTests;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>What tools/device-tests measures on a device runs at small sizes where there is none.</summary>
public class DeviceBenchTests
{
    [SkippableTheory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    public void Everything_is_measured(DType compute)
    {
        using var machine = new PretendedMachine();
        using var backend = new CudaBackend(0, machine.Driver, compute);
        using var folder = new TemporaryFolder();
        using var output = new StringWriter();
        new Bench(backend, BenchSizes.Small, output) { Driver = machine.Driver }.Run([], Path.Combine(folder.Path, "model"));
        var lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        var sizes = BenchSizes.Small;
        var figures = sizes.Gemms.Sum(g => g.Rows <= CudaBackend.FewRows ? 1 : backend.MatrixProducts.Count) + sizes.Attentions.Length * Bench.AttentionProducts(backend).Count + sizes.Matrices.Length + sizes.Prefills.Sum(p => p.Spans.Length) + 1;
        Assert.Equal(3 + sizes.Eagers.Length + figures, lines.Length);
        Assert.Equal(sizes.Eagers.Length, lines.Count(l => l.StartsWith("eager ", StringComparison.Ordinal)));
        Assert.Equal(figures, lines.Count(l => l.Contains("% of the peak", StringComparison.Ordinal) || l.Contains("% of the bandwidth", StringComparison.Ordinal)));
        Assert.DoesNotContain(lines, l => l.Contains("NaN", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void The_limits_of_a_device_are_measured()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        var limits = CudaLimits.Measure(backend, rounds: 3, bytes: 1 << 16, steps: 2);
        Assert.Equal((3, 3), (limits.Peak.Count, limits.Bandwidth.Count));
        Assert.All([.. limits.Peak, .. limits.Bandwidth], f => Assert.True(f > 0));
    }
}
