using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;

namespace IccEngine;

/// <summary>One call of the benchmarks: the device, the figures so far, and how a figure is taken.</summary>
internal sealed class BenchmarkRun(
    BenchmarkOptions options, ModelConfig config, IBackend backend, MachineLimits? limits, CancellationToken cancellation)
{
    private const double LeastSeconds = 0.05;
    private const double LongSeconds = 60;
    private const int LongRuns = 3;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ProbeHolds = TimeSpan.FromMilliseconds(500);
    private readonly float[] _one = new float[1];
    private readonly List<(double Peak, double Bandwidth)> _probes = [];
    private long _lastProbe;

    public BenchmarkOptions Options => options;

    public DType DType { get; } = BenchmarkModel.DTypeOf(options.DType);

    /// <summary>How matrices are held.</summary>
    public WeightFormat Format { get; } = Quantization.FormatOf(options.Quantize);

    public ModelConfig Config => config;

    public IBackend Backend => backend;

    public CancellationToken Cancellation => cancellation;

    public List<BenchmarkResult> Results { get; } = [];

    /// <summary>Tokens of the prompts, or what suits the subject.</summary>
    public IReadOnlyList<int> TokensOr(params int[] usual) => options.Tokens ?? usual;

    /// <summary>Refuses what does not fit the memory of this machine, before any of it is taken.</summary>
    /// <exception cref="IccMemoryException">It does not fit.</exception>
    public static void CheckMemory(string what, double bytes)
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new IccMemoryException(FormattableString.Invariant($"{what}: {bytes:N0} bytes of memory are needed; this machine has {available:N0}"));
        }
    }

    /// <summary>Seconds of one call, for every run: rounds of at least 50 ms, each of which waits for the device once.</summary>
    /// <param name="result">A tensor that the call writes; reading it waits for the device.</param>
    /// <param name="call">The operation; told the number of the call.</param>
    public double[] Seconds(Tensor result, Action<int> call)
    {
        var number = 0;
        double Round(int calls)
        {
            cancellation.ThrowIfCancellationRequested();
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < calls; i++)
            {
                call(number++);
            }
            Wait(result);
            return watch.Elapsed.TotalSeconds / calls;
        }
        // Long enough for the runtime to have compiled the operation for speed.
        var warm = Stopwatch.StartNew();
        var once = Round(1);
        while (warm.Elapsed < WarmUp)
        {
            once = Round((int)Math.Clamp(LeastSeconds / once, 1, 100_000));
        }
        var count = (int)Math.Clamp(LeastSeconds / once, 1, 100_000);
        BeginFigure();
        double[] seconds = [.. Enumerable.Range(0, RunsFor(once)).Select(_ => Round(count))];
        Probe();
        return seconds;
    }

    /// <summary>Forgets the limits beside the last figure and measures them anew; a probe of this moment serves both.</summary>
    public void BeginFigure()
    {
        if (_probes.Count > 0 && Stopwatch.GetElapsedTime(_lastProbe) < ProbeHolds)
        {
            _probes.RemoveRange(0, _probes.Count - 1);
            return;
        }
        _probes.Clear();
        Probe();
    }

    /// <summary>Measures the limits between two runs: the shares of a figure are those of the median of what was measured beside it.</summary>
    public void Probe()
    {
        if (limits is not null)
        {
            _probes.Add(MachineLimits.Probe(limits.Threads, limits.InstructionSet));
            _lastProbe = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>Waits until a tensor is there.</summary>
    public void Wait(Tensor result) => backend.Read(new Tensor(result.Buffer, result.Offset, new Shape(1)), _one);

    /// <summary>Number of runs of something that takes so long.</summary>
    public int RunsFor(double seconds) => seconds > LongSeconds ? Math.Min(LongRuns, options.Repeat) : options.Repeat;

    /// <summary>Adds a figure of arithmetic: <paramref name="flops"/> by seconds, in GFLOP/s.</summary>
    public void AddFlops(string name, string size, double flops, double[] seconds) =>
        Results.Add(Result(name, size, "GFLOP/s", [.. seconds.Select(s => flops / s / 1e9)]) with
        {
            ShareOfPeak = flops / Median(seconds) / Peak,
        });

    /// <summary>Adds a figure of memory: <paramref name="bytes"/> by seconds, in GB/s.</summary>
    public void AddBytes(string name, string size, double bytes, double[] seconds) =>
        Results.Add(Result(name, size, "GB/s", [.. seconds.Select(s => bytes / s / 1e9)]) with
        {
            ShareOfBandwidth = bytes / Median(seconds) / Bandwidth,
        });

    /// <summary>Adds tokens a second, with the share of the peak or of the bandwidth.</summary>
    public void AddTokens(string name, string size, int tokens, double[] seconds, double? flops = null, double? bytes = null) =>
        Results.Add(Result(name, size, "tokens/s", [.. seconds.Select(s => tokens / s)]) with
        {
            ShareOfPeak = flops / Median(seconds) / Peak,
            ShareOfBandwidth = bytes / Median(seconds) / Bandwidth,
        });

    /// <summary>Adds milliseconds, with the share of the peak or of the bandwidth.</summary>
    public void AddMilliseconds(string name, string size, double[] seconds, double? flops = null, double? bytes = null) =>
        Results.Add(Result(name, size, "ms", [.. seconds.Select(s => 1000 * s)]) with
        {
            ShareOfPeak = flops / Median(seconds) / Peak,
            ShareOfBandwidth = bytes / Median(seconds) / Bandwidth,
        });

    /// <summary>A figure from its runs.</summary>
    public static BenchmarkResult Result(string name, string size, string unit, double[] runs) =>
        new(name, size, Median(runs), runs.Min(), runs.Max(), unit, runs.Length);

    /// <summary>Random activations.</summary>
    public Tensor Random(Shape shape)
    {
        var part = new float[Math.Min(1 << 16, shape.Elements)];
        var state = RandomWeights.Seed(shape.ToString(), 0);
        var tensor = backend.Allocate(shape);
        for (long at = 0; at < shape.Elements; at += part.Length)
        {
            var values = part.AsSpan(0, (int)Math.Min(part.Length, shape.Elements - at));
            RandomWeights.Fill(values, ref state);
            backend.Write(values, new Tensor(tensor.Buffer, at, new Shape(values.Length)));
        }
        return tensor;
    }

    /// <summary>Operations a second beside the last figure; null where they are not measured.</summary>
    private double? Peak => _probes.Count == 0 ? null : Median([.. _probes.Select(p => p.Peak)]);

    /// <summary>Bytes a second beside the last figure; null likewise.</summary>
    private double? Bandwidth => _probes.Count == 0 ? null : Median([.. _probes.Select(p => p.Bandwidth)]);

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }
}
