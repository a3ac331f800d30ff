using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Models;

namespace IccEngine;

/// <summary>
/// Measures operations and whole models on a device. Every figure is the median of several runs; on the cpu it comes with its share of
/// what the machine was measured to do at most, see <see cref="MachineLimits"/>. The formulas stand in docs/performance.md.
/// </summary>
public static class Benchmark
{
    private const string DefaultShape = "1b";
    private static readonly BenchmarkSubject[] Operations =
        [BenchmarkSubject.Gemm, BenchmarkSubject.Attention, BenchmarkSubject.RmsNorm, BenchmarkSubject.KvCache, BenchmarkSubject.Spectral];
    private static readonly BenchmarkSubject[] Models =
        [BenchmarkSubject.Prefill, BenchmarkSubject.Decode, BenchmarkSubject.Taps, BenchmarkSubject.Pass];

    /// <summary>Runs benchmarks.</summary>
    /// <param name="options">What, and on what.</param>
    /// <param name="progress">Told the share of the subjects that are done, 0 to 1.</param>
    /// <param name="cancellation">Looked at between runs and before every layer.</param>
    /// <exception cref="IccArgumentException">An option outside its limits, no such shape or device.</exception>
    /// <exception cref="IccFormatException">The model cannot be read, or random weights not be written to the folder for temporary files.</exception>
    /// <exception cref="IccUnsupportedException">The model asks for something that is not supported.</exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    /// <exception cref="IccMemoryException">The sizes need more memory or disk than there is.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; temporary files are gone.</exception>
    public static BenchmarkReport Run(BenchmarkOptions options, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        var shape = options.Shape ?? DefaultShape;
        var config = options.Model is null ? BenchmarkModel.ConfigOf(shape) : ModelConfig.Load(options.Model);
        BenchmarkSubject[] subjects = options.Subject == BenchmarkSubject.All
            ? [.. Enum.GetValues<BenchmarkSubject>().Where(s => s != BenchmarkSubject.All)]
            : [options.Subject];
        var first = new List<BenchmarkResult>();
        if (subjects.Contains(BenchmarkSubject.Startup))
        {
            StartupBenchmark.Run(options, first, cancellation);
        }
        using var backend = Device.Open(options.Device, options.Threads, options.ComputeDType);
        var limits = backend is CpuBackend cpu ? MachineLimits.Measure(cpu.Threads, options.Repeat, cpu.InstructionSet, cancellation) : null;
        var run = new BenchmarkRun(options, config, backend, limits, cancellation);
        run.Results.AddRange(first);
        var done = subjects.Count(s => s == BenchmarkSubject.Startup);
        void Done() => progress?.Report((double)++done / subjects.Length);
        if (subjects.Contains(BenchmarkSubject.Machine))
        {
            AddLimits(run, limits ?? throw new IccArgumentException($"device {options.Device}: its limits are not measured; expected cpu"));
            Done();
        }
        foreach (var subject in subjects.Where(s => Operations.Contains(s)))
        {
            cancellation.ThrowIfCancellationRequested();
            RunOperation(run, subject);
            Done();
        }
        if (subjects.Contains(BenchmarkSubject.Packed))
        {
            RunPacked(run);
            Done();
        }
        BenchmarkSubject[] whole = [.. subjects.Where(Models.Contains)];
        if (whole.Length > 0)
        {
            RunModel(run, shape, whole, Done);
        }
        return new BenchmarkReport(backend.Description, limits?.Peak.Median / 1e9, limits?.Bandwidth.Median / 1e9, run.Results);
    }

    private static void RunOperation(BenchmarkRun run, BenchmarkSubject subject)
    {
        switch (subject)
        {
            case BenchmarkSubject.Gemm:
                OperationBenchmarks.Gemm(run);
                break;
            case BenchmarkSubject.Attention:
                AttentionBenchmark.Run(run);
                break;
            case BenchmarkSubject.RmsNorm:
                OperationBenchmarks.RmsNorm(run);
                break;
            case BenchmarkSubject.KvCache:
                OperationBenchmarks.KvCache(run);
                break;
            default:
                SpectralBenchmark.Run(run);
                break;
        }
    }

    /// <summary>The embedded model, unless another one is asked for.</summary>
    private static void RunPacked(BenchmarkRun run)
    {
        if (run.Options is { Shape: null, Model: null })
        {
            var files = ModelFiles.ReadEmbedded();
            using var model = CausalLM.Load(files.Config, files.Checkpoint, run.Backend, run.Format);
            PackedBenchmark.Run(run, model);
        }
        else
        {
            RunModel(run, run.Options.Shape ?? "", [BenchmarkSubject.Packed], () => { });
        }
    }

    private static void RunModel(BenchmarkRun run, string shape, BenchmarkSubject[] subjects, Action done)
    {
        var options = run.Options;
        var temporary = options.Model is null ? Path.Combine(Path.GetTempPath(), $"icc-bench-{Guid.NewGuid():N}") : null;
        try
        {
            if (temporary is not null)
            {
                BenchmarkRun.CheckMemory($"shape {shape}", BenchmarkModel.WeightBytes(run.Config, run.DType));
                BenchmarkModel.Write(shape, options.DType, temporary, cancellation: run.Cancellation);
            }
            var checkpoint = Checkpoint.Open(temporary ?? options.Model!);
            using var model = CausalLM.Load(run.Config, checkpoint, run.Backend, run.Format);
            foreach (var subject in subjects)
            {
                switch (subject)
                {
                    case BenchmarkSubject.Prefill:
                        ModelBenchmarks.Prefill(run, model);
                        break;
                    case BenchmarkSubject.Decode:
                        ModelBenchmarks.Decode(run, model);
                        break;
                    case BenchmarkSubject.Pass:
                        PassBenchmark.Run(run, model);
                        break;
                    case BenchmarkSubject.Packed:
                        PackedBenchmark.Run(run, model);
                        break;
                    default:
                        ModelBenchmarks.Taps(run, model);
                        break;
                }
                done();
            }
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    }

    private static void AddLimits(BenchmarkRun run, MachineLimits limits)
    {
        void Add(string name, string size, MachineFigure figure, string unit, MachineFigure limit, bool arithmetic)
        {
            double share = figure.Median / limit.Median;
            run.Results.Add(new BenchmarkResult(name, size, figure.Median / 1e9, figure.Min / 1e9, figure.Max / 1e9, unit, run.Options.Repeat)
            {
                ShareOfPeak = arithmetic ? share : null,
                ShareOfBandwidth = arithmetic ? null : share,
            });
        }
        var all = limits.Threads == 1 ? "1 thread of those asked for" : $"{limits.Threads} threads";
        Add("fma", "1 thread", limits.OneCorePeak, "GFLOP/s", limits.Peak, true);
        Add("fma", all, limits.Peak, "GFLOP/s", limits.Peak, true);
        Add("read", "1 thread", limits.OneCoreBandwidth, "GB/s", limits.Bandwidth, false);
        Add("read", all, limits.Bandwidth, "GB/s", limits.Bandwidth, false);
    }
}
