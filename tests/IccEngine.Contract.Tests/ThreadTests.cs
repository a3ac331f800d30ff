using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The tests that count what the whole process does run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;

/// <summary>Threads change nothing but the time, and the hot path allocates nothing.</summary>
[Collection(nameof(Alone))]
public class ThreadTests
{
    private static readonly TapSpec Spans = new([new(0, 1), new(2, 40), new(41, 190), new(195, 260)], [5, 3, 200]);

    public static IEnumerable<object[]> ThreadCounts => Subjects.CpuNames.SelectMany(n => new[] { 2, 3, 7 }.Select(t => new object[] { n, t }));

    [SkippableTheory]
    [MemberData(nameof(ThreadCounts))]
    public void TheNumberOfThreadsDoesNotChangeABit(string name, int threads)
    {
        using var one = Subjects.CreateCpu(name, 1);
        using var many = Subjects.CreateCpu(name, threads);
        Assert.Equal(Everything(one), Everything(many));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void TwoCallersAtOnceGetWhatOneGets(string name)
    {
        using var backend = Subjects.CreateCpu(name, 2);
        var expected = Everything(backend);
        var found = new double[3][];
        var callers = Enumerable.Range(0, found.Length).Select(i => new Thread(() =>
        {
            for (var round = 0; round < 3; round++)
            {
                found[i] = Everything(backend);
            }
        })).ToArray();
        Array.ForEach(callers, t => t.Start());
        Array.ForEach(callers, t => t.Join());
        Assert.All(found, f => Assert.Equal(expected, f));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void NothingIsAllocatedOnceItHasRun(string name)
    {
        using var backend = Subjects.CreateCpu(name, 2);
        const int hidden = 96;
        const int vocabulary = 20_000;
        using var weight = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, hidden, hidden));
        using var table = backend.LoadWeight(Data.Weight(DType.F16, 2, 1, 50, hidden));
        using var norm = backend.LoadWeight(Data.Weight(DType.F32, 3, 1, hidden));
        using var cache = backend.CreateKvCache(new KvShape(1, 2, 16, 16, 100));
        var pages = Enumerable.Range(0, 100).ToArray();
        var tap = new AttentionTap(
            Spans.Spans, Spans.Singles, false, backend.Allocate(new Shape(4, 4)), backend.Allocate(new Shape(3, 4)), backend.Allocate(new Shape(3, 3)));
        var wide = backend.Allocate(new Shape(40, hidden));
        var logits = backend.Allocate(new Shape(40, vocabulary));
        var other = backend.Allocate(new Shape(40, hidden));
        var half = backend.Allocate(new Shape(40, 8));
        var key = backend.Allocate(new Shape(40, 2, 16));
        var ids = new int[40];
        var best = new int[40];
        SequenceRows[] prefill = [new(0, 30, 0, pages, tap), new(30, 10, 0, pages)];
        SequenceRows[] decode = [new(0, 1, 200, pages, tap)];

        void Step(int rows, SequenceRows[] sequences)
        {
            var (x, y) = (wide.Rows(0, rows), other.Rows(0, rows));
            var query = y.Reshape(new Shape(rows, 6, 16));
            backend.Embed(table, ids.AsSpan(0, rows), x);
            backend.RmsNorm(x, norm, 1e-5f, x);
            backend.Linear(x, weight, null, y);
            backend.RotateAndStore(
                query, key.Rows(0, rows), key.Rows(0, rows), half.Rows(0, rows), half.Rows(0, rows), cache, 0, sequences);
            backend.Attention(new AttentionCall
            {
                Query = query,
                Cache = cache,
                Layer = 0,
                Sequences = sequences,
                Mask = new(true, null),
                Scale = 0.25f,
                Output = x.Reshape(query.Shape),
            });
            backend.SiluMultiply(x, y, x);
            backend.Clear(y);
            backend.Sample(logits.Rows(0, rows), default, SamplingOptions.Greedy, [], best, []);
        }

        void Rounds(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Step(40, prefill);
                Step(1, decode);
            }
        }

        Rounds(50);
        var here = GC.GetAllocatedBytesForCurrentThread();
        Rounds(10);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - here);
        // The test runner's own threads allocate now and then; at least one attempt must see nothing in all threads.
        var everywhere = long.MaxValue;
        for (var attempt = 0; attempt < 20 && everywhere > 0; attempt++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Rounds(10);
            everywhere = Math.Min(everywhere, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.Equal(0, everywhere);
    }

    [Fact]
    public void AnItemsExceptionReachesTheCaller()
    {
        using var pool = new WorkerPool(3);
        var job = new FailingJob();
        for (var round = 0; round < 20; round++)
        {
            var error = Assert.Throws<InvalidOperationException>(() => pool.Run(ref job, 100));
            Assert.Equal("item 57", error.Message);
            var counting = new CountingJob(new int[100], pool);
            pool.Run(ref counting, 100);
            Assert.All(counting.Done, n => Assert.Equal(3, n));
        }
    }

    [Fact]
    public void AnIdlePoolWakesUpAgainAndEnds()
    {
        var pool = new WorkerPool(3);
        for (var round = 0; round < 5; round++)
        {
            Thread.Sleep(5); // long enough for the workers to sleep
            var job = new CountingJob(new int[50], pool);
            pool.Run(ref job, 50);
            Assert.All(job.Done, n => Assert.Equal(3, n));
        }
        pool.Dispose();
        Assert.DoesNotContain(pool.Workers, t => t.IsAlive);
    }

    [Fact]
    public void ThreadsOutsideTheLimitsAreRefused()
    {
        Assert.Throws<IccArgumentException>(() => new CpuBackend(-1));
        Assert.Throws<IccArgumentException>(() => new CpuBackend(5000));
        using var all = new CpuBackend();
        Assert.Equal(Environment.ProcessorCount, all.Threads);
        Assert.Equal(CpuBackend.Supported[^1], all.InstructionSet);
    }

    /// <summary>Results of every operation that is spread over threads.</summary>
    private static double[] Everything(CpuBackend backend)
    {
        var all = new List<double>();
        foreach (var (start, rows) in new[] { (0, 260), (259, 1), (200, 3) })
        {
            foreach (var perHead in new[] { false, true })
            {
                var result = new Scenario { Starts = [start, 1100], Rows = [rows, 1], Taps = [Spans with { PerHead = perHead }, null] }.Run(backend);
                all.AddRange([.. result.Outputs[0], .. result.Outputs[1]]);
                all.AddRange([.. result.Taps[0]!.SpanToSpan, .. result.Taps[0]!.SingleToSpan, .. result.Taps[0]!.SingleToSingle]);
            }
        }
        foreach (var rows in new[] { 1, 5, 60 })
        {
            using var weight = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 900, 500));
            var x = Data.Tensor(backend, Data.Uniform(rows * 500, 2), new Shape(rows, 500));
            var y = backend.Allocate(new Shape(rows, 900));
            backend.Linear(x, weight, null, y);
            all.AddRange(Data.Read(backend, y));
        }
        return [.. all];
    }

    private struct FailingJob : IJob
    {
        public readonly void Run(int item)
        {
            if (item == 57)
            {
                throw new InvalidOperationException($"item {item}");
            }
        }
    }

    /// <summary>Counts each item, and starts a job of its own in each.</summary>
    private readonly struct CountingJob(int[] done, WorkerPool pool) : IJob
    {
        public int[] Done => done;

        public void Run(int item)
        {
            Interlocked.Increment(ref done[item]);
            var nested = new NestedJob(done, item);
            pool.Run(ref nested, 2);
        }
    }

    private readonly struct NestedJob(int[] done, int item) : IJob
    {
        public void Run(int nested) => Interlocked.Increment(ref done[item]);
    }
}
