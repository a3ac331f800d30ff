namespace IccEngine;

/// <summary>One measured figure.</summary>
/// <param name="Name">What was measured: gemm, prefill, ..</param>
/// <param name="Size">Its sizes, for people.</param>
/// <param name="Median">Median of the runs.</param>
/// <param name="Min">Lowest run.</param>
/// <param name="Max">Highest run.</param>
/// <param name="Unit">Unit of these: GFLOP/s, GB/s, tokens/s, ms, MB, % or x (times as fast).</param>
/// <param name="Runs">Number of runs.</param>
public sealed record BenchmarkResult(string Name, string Size, double Median, double Min, double Max, string Unit, int Runs)
{
    /// <summary>Floating-point operations a second by the measured peak of the machine; null where the figure has no such formula.</summary>
    public double? ShareOfPeak { get; init; }

    /// <summary>Bytes a second by the measured bandwidth of the machine; null where the figure has no such formula.</summary>
    public double? ShareOfBandwidth { get; init; }
}

/// <summary>The figures of one call.</summary>
/// <param name="Machine">What computed: device, instruction set, threads.</param>
/// <param name="PeakGflops">
/// Measured peak of the processor, or of an NVIDIA device in bfloat16 (<see cref="Cuda.CudaLimits"/>), GFLOP/s; null on reference, where
/// it is not measured.
/// </param>
/// <param name="BandwidthGBs">Measured bandwidth of its memory, GB/s; null likewise.</param>
/// <param name="Results">The figures.</param>
public sealed record BenchmarkReport(string Machine, double? PeakGflops, double? BandwidthGBs, IReadOnlyList<BenchmarkResult> Results);
