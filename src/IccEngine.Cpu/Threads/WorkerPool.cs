using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace IccEngine.Cpu;

/// <summary>
/// The threads of one backend. A job is published to all of them, each takes items from a shared counter until none are left, and the
/// caller works too. A worker that has nothing to do watches for the next job for a moment and then sleeps. When the pool is busy with
/// another caller's job, or a job starts a job, the items run on the thread that asked.
/// </summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    /// <summary>How long an idle worker looks for work before it sleeps: longer than the gap between two operations of a forward pass.</summary>
    private static readonly long SpinTicks = Stopwatch.Frequency * 50 / 1_000_000;

    private const long OpenBit = 1L << 20;
    private const long WorkersMask = OpenBit - 1;
    private const int GenerationShift = 21;

    private readonly Thread[] _workers;
    private readonly Lock _published = new();
    private readonly object _sleepers = new();
    private int _sleeping;
    private bool _disposed;

    // Generation of the job, whether workers may still join it, and how many have joined and not left.
    private long _state;

    // The job. Written before it is opened and left alone until every worker that joined has left.
    private void* _job;
    private delegate*<void*, int, void> _run;
    private int _items;
    private int _next;
    private Exception? _error;

    /// <summary>Starts <paramref name="threads"/> - 1 workers; the caller of a job is the remaining one.</summary>
    public WorkerPool(int threads)
    {
        Threads = threads;
        _workers = new Thread[threads - 1];
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Thread(Work) { IsBackground = true, Name = $"IccEngine.Cpu {i + 1}" };
            _workers[i].Start();
        }
    }

    /// <summary>Threads that work on a job, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>The threads without the caller's.</summary>
    public IReadOnlyList<Thread> Workers => _workers;

    /// <summary>Runs items 0 .. items - 1 and returns when all are done.</summary>
    /// <exception cref="Exception">The first exception an item threw; the remaining items may not have run.</exception>
    public void Run<TJob>(ref TJob job, int items) where TJob : struct, IJob
    {
        if (items <= 1 || _workers.Length == 0 || !_published.TryEnter())
        {
            RunHere(ref job, items);
            return;
        }
        if (_job != null)
        {
            // The lock lets its owner in again: this is an item that starts a job of its own.
            _published.Exit();
            RunHere(ref job, items);
            return;
        }
        try
        {
            // A struct on this thread's stack stays where it is until this method returns.
            Publish(Unsafe.AsPointer(ref job), &Invoke<TJob>, items);
            TakeItems();
            Close();
        }
        finally
        {
            _job = null;
            _published.Exit();
        }
    }

    /// <summary>Ends the workers.</summary>
    public void Dispose()
    {
        lock (_sleepers)
        {
            _disposed = true;
            Monitor.PulseAll(_sleepers);
        }
        foreach (var worker in _workers)
        {
            worker.Join();
        }
    }

    private static void RunHere<TJob>(ref TJob job, int items) where TJob : struct, IJob
    {
        for (var i = 0; i < items; i++)
        {
            job.Run(i);
        }
    }

    private static void Invoke<TJob>(void* job, int item) where TJob : struct, IJob => Unsafe.AsRef<TJob>(job).Run(item);

    private void Publish(void* job, delegate*<void*, int, void> run, int items)
    {
        _job = job;
        _run = run;
        _items = items;
        _next = 0;
        _error = null;
        Interlocked.Exchange(ref _state, (((_state >> GenerationShift) + 1) << GenerationShift) | OpenBit);
        if (Volatile.Read(ref _sleeping) > 0)
        {
            lock (_sleepers)
            {
                Monitor.PulseAll(_sleepers);
            }
        }
    }

    private void TakeItems()
    {
        try
        {
            for (var item = Interlocked.Increment(ref _next) - 1; item < _items; item = Interlocked.Increment(ref _next) - 1)
            {
                _run(_job, item);
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _error, e, null);
            Volatile.Write(ref _next, _items);
        }
    }

    /// <summary>Lets no further worker join, and waits for those who did.</summary>
    private void Close()
    {
        Interlocked.And(ref _state, ~OpenBit);
        var wait = new SpinWait();
        while ((Volatile.Read(ref _state) & WorkersMask) != 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
        if (_error is { } error)
        {
            _error = null;
            ExceptionDispatchInfo.Throw(error);
        }
    }

    private void Work()
    {
        long done = 0;
        while (WaitForWork(done))
        {
            var state = Volatile.Read(ref _state);
            if ((state & OpenBit) == 0 || state >> GenerationShift == done
                || Interlocked.CompareExchange(ref _state, state + 1, state) != state)
            {
                continue;
            }
            done = state >> GenerationShift;
            TakeItems();
            Interlocked.Decrement(ref _state);
        }
    }

    /// <summary>Returns true when there may be a job other than <paramref name="done"/>, false at the end of the pool.</summary>
    private bool WaitForWork(long done)
    {
        var since = Stopwatch.GetTimestamp();
        while (Stopwatch.GetTimestamp() - since < SpinTicks)
        {
            if (HasWork(done))
            {
                return true;
            }
            Thread.SpinWait(8);
        }
        lock (_sleepers)
        {
            // Counted before looking: the publisher looks at the count after it opened its job, so one of the two sees the other.
            Interlocked.Increment(ref _sleeping);
            while (!_disposed && !HasWork(done))
            {
                Monitor.Wait(_sleepers);
            }
            Interlocked.Decrement(ref _sleeping);
            return !_disposed;
        }
    }

    private bool HasWork(long done)
    {
        var state = Volatile.Read(ref _state);
        return (state & OpenBit) != 0 && state >> GenerationShift != done;
    }
}
