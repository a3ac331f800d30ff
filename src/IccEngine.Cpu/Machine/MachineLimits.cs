using System.Diagnostics;
using System.Runtime.Intrinsics;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>A measured figure: the median of several rounds and how far they lay apart.</summary>
/// <param name="Median">Median.</param>
/// <param name="Min">Lowest round.</param>
/// <param name="Max">Highest round.</param>
public readonly record struct MachineFigure(double Median, double Min, double Max);

/// <summary>
/// What the processor can do at most, measured: the share of these limits is what says whether a kernel is good, on any machine.
/// <para>
/// Peak: independent chains of a * b + c in registers, 2 floating-point operations a lane and step. Bandwidth: memory far larger than
/// the caches read once from front to back, every thread its own part; bytes read by seconds.
/// </para>
/// </summary>
/// <param name="InstructionSet">The instruction set of the loops.</param>
/// <param name="Threads">Threads of the figures for all cores.</param>
/// <param name="OneCorePeak">float32 operations a second of one thread.</param>
/// <param name="Peak">float32 operations a second of all threads together.</param>
/// <param name="OneCoreBandwidth">Bytes read a second by one thread.</param>
/// <param name="Bandwidth">Bytes read a second by all threads together.</param>
public sealed record MachineLimits(
    InstructionSet InstructionSet, int Threads, MachineFigure OneCorePeak, MachineFigure Peak, MachineFigure OneCoreBandwidth,
    MachineFigure Bandwidth)
{
    private const long Elements = 1L << 27; // 512 MiB of float32
    private const long ProbeElements = 1L << 25; // 128 MiB
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProbeRound = TimeSpan.FromMilliseconds(30);
    private static float _sink;

    /// <summary>Measures this machine; takes about two seconds and 512 MiB of memory.</summary>
    /// <param name="threads">Threads of the figures for all cores; 0: one for every core.</param>
    /// <param name="rounds">Rounds of each figure, at least 1; the median counts.</param>
    /// <param name="instructionSet">What the loops may use; null: the widest that this process can run.</param>
    /// <param name="cancellation">Looked at between rounds.</param>
    /// <exception cref="IccArgumentException">Threads outside 0 to 1024, or no round.</exception>
    /// <exception cref="IccUnsupportedException">This process cannot run the instruction set.</exception>
    /// <exception cref="IccMemoryException">There is no room for the memory to read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static MachineLimits Measure(
        int threads = 0, int rounds = 5, InstructionSet? instructionSet = null, CancellationToken cancellation = default)
    {
        if (threads is < 0 or > 1024 || rounds < 1)
        {
            throw new IccArgumentException($"{threads} threads, {rounds} rounds: expected 0 (all cores) to 1024 threads and at least one round");
        }
        var set = InstructionSets.Choose(instructionSet);
        var all = threads == 0 ? Environment.ProcessorCount : threads;
        return set switch
        {
            InstructionSet.Avx512 => Measure<Vector512<float>, Avx512Ops>(set, all, rounds, cancellation),
            InstructionSet.Avx2 => Measure<Vector256<float>, Avx2Ops>(set, all, rounds, cancellation),
            InstructionSet.Plain => Measure<float, PlainOps>(set, all, rounds, cancellation),
            _ => throw new ArgumentOutOfRangeException(nameof(instructionSet), set, null),
        };
    }

    /// <summary>
    /// Operations and bytes a second of all threads at this moment, by one short round of each: what stands beside a figure on a machine
    /// that is faster at one time than at another. Takes about a tenth of a second and 128 MiB of memory.
    /// </summary>
    /// <param name="threads">Threads, at least 1.</param>
    /// <param name="instructionSet">What the loops may use; one of those that this process can run.</param>
    /// <exception cref="IccMemoryException">There is no room for the memory to read.</exception>
    public static (double Peak, double Bandwidth) Probe(int threads, InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Avx512 => Probe<Vector512<float>, Avx512Ops>(threads),
        InstructionSet.Avx2 => Probe<Vector256<float>, Avx2Ops>(threads),
        _ => Probe<float, PlainOps>(threads),
    };

    private static MachineLimits Measure<TV, TOps>(InstructionSet set, int threads, int rounds, CancellationToken cancellation)
        where TV : unmanaged where TOps : IVectorOps<TV>
    {
        var steps = StepsOf<TV, TOps>(Round);
        MachineFigure PeakOf(int count) => Figure(rounds, cancellation, () => PeakRound<TV, TOps>(count, steps));
        var (onePeak, peak) = (PeakOf(1), PeakOf(threads));
        using var buffer = new HostBuffer(DType.F32, Elements);
        Together(threads, t => Fill(buffer, t, threads));
        MachineFigure BandwidthOf(int count) => Figure(rounds, cancellation, () => BandwidthRound<TV, TOps>(buffer, count));
        return new MachineLimits(set, threads, onePeak, peak, BandwidthOf(1), BandwidthOf(threads));
    }

    private static (double Peak, double Bandwidth) Probe<TV, TOps>(int threads) where TV : unmanaged where TOps : IVectorOps<TV>
    {
        var peak = PeakRound<TV, TOps>(threads, StepsOf<TV, TOps>(ProbeRound));
        using var buffer = new HostBuffer(DType.F32, ProbeElements);
        Together(threads, t => Fill(buffer, t, threads));
        return (peak, BandwidthRound<TV, TOps>(buffer, threads));
    }

    private static double PeakRound<TV, TOps>(int threads, long steps) where TV : unmanaged where TOps : IVectorOps<TV> =>
        threads * steps * MachineKernels<TV, TOps>.FlopsPerStep / Together(threads, _ => MachineKernels<TV, TOps>.MultiplyAdd(steps));

    private static double BandwidthRound<TV, TOps>(HostBuffer buffer, int threads) where TV : unmanaged where TOps : IVectorOps<TV> =>
        threads * PartOf(buffer, threads) * sizeof(float) / Together(threads, t => ReadPart<TV, TOps>(buffer, t, threads));

    /// <summary>Parts of whole blocks of 64 elements; what does not divide is left out and not counted.</summary>
    private static long PartOf(HostBuffer buffer, int threads) => buffer.Elements / threads / 64 * 64;

    private static unsafe float Fill(HostBuffer buffer, int thread, int threads)
    {
        // Untouched memory is one shared page of zeros, which no processor reads from memory.
        new Span<float>((float*)buffer.Address + thread * PartOf(buffer, threads), (int)PartOf(buffer, threads)).Fill(1);
        return 0;
    }

    private static unsafe float ReadPart<TV, TOps>(HostBuffer buffer, int thread, int threads) where TV : unmanaged where TOps : IVectorOps<TV> =>
        MachineKernels<TV, TOps>.Read((float*)buffer.Address + thread * PartOf(buffer, threads), PartOf(buffer, threads));

    private static long StepsOf<TV, TOps>(TimeSpan round) where TV : unmanaged where TOps : IVectorOps<TV>
    {
        const long probe = 1_000_000;
        _sink = MachineKernels<TV, TOps>.MultiplyAdd(probe);
        var watch = Stopwatch.StartNew();
        _sink += MachineKernels<TV, TOps>.MultiplyAdd(probe);
        return Math.Max(probe, (long)(probe * (round / watch.Elapsed)));
    }

    private static MachineFigure Figure(int rounds, CancellationToken cancellation, Func<double> round)
    {
        round(); // not counted: the first one pays for waking the cores
        var values = new double[rounds];
        for (var i = 0; i < rounds; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            values[i] = round();
        }
        Array.Sort(values);
        return new MachineFigure((values[rounds / 2] + values[(rounds - 1) / 2]) / 2, values[0], values[^1]);
    }

    /// <summary>Seconds from the moment all threads are ready until the last one is done.</summary>
    private static double Together(int threads, Func<int, float> work)
    {
        var results = new float[threads];
        using var ready = new CountdownEvent(threads);
        using var go = new ManualResetEventSlim();
        var workers = new Thread[threads];
        for (var t = 0; t < threads; t++)
        {
            var index = t;
            workers[t] = new Thread(() =>
            {
                ready.Signal();
                go.Wait();
                results[index] = work(index);
            })
            {
                IsBackground = true,
            };
            workers[t].Start();
        }
        ready.Wait();
        var watch = Stopwatch.StartNew();
        go.Set();
        Array.ForEach(workers, w => w.Join());
        var seconds = watch.Elapsed.TotalSeconds;
        _sink = results.Sum(); // or the compiler might leave the work out
        return seconds;
    }
}
