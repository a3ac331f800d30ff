using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The backend of an NVIDIA device: kernels of kernels/*.cu, loaded and launched by the driver. Activations, taps and the KV cache are
/// float32 on the device; weights keep the type of their file. Calls put work on one stream and return; reading waits for it.
/// <para>
/// Equal calls give equal bits. Any number of threads may call; their calls follow one another.
/// </para>
/// </summary>
public sealed unsafe class CudaBackend : IBackend
{
    private const int Threads = 256;
    private const int FewRows = 8;        // linear_few.cu
    private const int LinearTile = 64;    // linear.cu
    private const int MaxBlocks = 1 << 16;
    private readonly Lock _lock = new();
    private readonly CudaContext _context;
    private readonly Kernels _kernels;
    private readonly CudaAttention _attention;
    private readonly CudaAffinity _affinity;
    private readonly IntegerTable _ids, _allowed, _slots;
    private readonly Scratch _best;
    private readonly List<int> _slotValues = [];
    private bool _disposed;

    /// <summary>Opens a device.</summary>
    /// <param name="device">Its number, from 0.</param>
    /// <param name="driverLibrary">Path of the driver's library; null: the system's.</param>
    /// <exception cref="IccDeviceException">There is no driver or no such device, it is too old, or it does not accept the kernels.</exception>
    /// <exception cref="IccMemoryException">The device has no memory left.</exception>
    public CudaBackend(int device = 0, string? driverLibrary = null)
    {
        _context = new CudaContext(device, driverLibrary);
        try
        {
            _kernels = new Kernels(_context);
        }
        catch
        {
            _context.Release();
            throw;
        }
        _attention = new CudaAttention(_context, _kernels);
        _affinity = new CudaAffinity(_context, _kernels);
        (_ids, _allowed, _slots) = (new IntegerTable(_context), new IntegerTable(_context), new IntegerTable(_context));
        _best = new Scratch(_context, DType.I32);
    }

    /// <summary>The device.</summary>
    public CudaDevice Device => _context.Device;

    /// <inheritdoc/>
    public string Description => Device.ToString();

    /// <inheritdoc/>
    public DType ActivationType => DType.F32;

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape) => Allocate(shape, DType.F32);

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape, DType dtype)
    {
        ExpectAffinity.Real(dtype);
        using var turn = Enter();
        var buffer = new CudaBuffer(_context, dtype, shape.Elements);
        _context.Clear(buffer.Address, dtype.Bytes(shape.Elements));
        return new Tensor(buffer, 0, shape);
    }

    /// <inheritdoc/>
    public Weight LoadWeight(HostTensor source)
    {
        using var turn = Enter();
        return new CudaWeight(_context, source);
    }

    /// <inheritdoc/>
    public KvCache CreateKvCache(KvShape shape)
    {
        using var turn = Enter();
        return new CudaKvCache(_context, shape);
    }

    /// <inheritdoc/>
    public void Clear(Tensor x)
    {
        using var turn = Enter();
        _context.Clear(Owned.AnyAddress(x, _context), x.DType.Bytes(x.Shape.Elements));
        GC.KeepAlive(x.Buffer);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<double> source, Tensor destination)
    {
        using var turn = Enter();
        HostCopy.Write(_context, source, destination);
        GC.KeepAlive(destination.Buffer);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> source, Tensor destination)
    {
        using var turn = Enter();
        HostCopy.Write(_context, source, destination);
        GC.KeepAlive(destination.Buffer);
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        using var turn = Enter();
        HostCopy.Read(_context, source, destination);
        GC.KeepAlive(source.Buffer);
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<double> destination)
    {
        using var turn = Enter();
        HostCopy.Read(_context, source, destination);
        GC.KeepAlive(source.Buffer);
    }

    /// <inheritdoc/>
    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        var weight = Owned.Matrix(table, _context, nameof(table));
        var hidden = table.Shape[1];
        Expect.Shape(y, new Shape(ids.Length, hidden), nameof(y));
        foreach (var id in ids)
        {
            Expect.That(id >= 0 && id < table.Shape[0], nameof(ids), id, $"a row of {table.Shape}");
        }
        using var turn = Enter();
        var (rows, places, target) = (weight.Address, _ids.Put(ids), Address(y));
        var parameters = stackalloc void*[] { &rows, &places, &target, &hidden };
        _context.Launch(_kernels.Embed.For(weight.Elements), ids.Length, 1, 1, Threads, parameters);
        GC.KeepAlive(weight);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y)
    {
        var w = Owned.Vector(weight, _context, nameof(weight));
        var n = weight.Shape[0];
        Expect.That(x.Shape.Rank > 0 && x.Shape[x.Shape.Rank - 1] == n, nameof(x), x.Shape, $"rows of {n}");
        Expect.Shape(y, x.Shape, nameof(y));
        using var turn = Enter();
        var (from, factors, to) = (Address(x), w.Address, Address(y));
        var parameters = stackalloc void*[] { &from, &factors, &eps, &to, &n };
        _context.Launch(_kernels.RmsNorm, x.Shape.Elements / n, 1, 1, Threads, parameters);
        GC.KeepAlive(w);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false)
    {
        var w = Owned.Matrix(weight, _context, nameof(weight));
        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        Expect.That(x.Shape.Rank == 2 && x.Shape[1] == inputs, nameof(x), x.Shape, $"rows of {inputs}");
        Expect.Shape(y, new Shape(x.Shape[0], outputs), nameof(y));
        var b = bias is null ? null : Owned.Vector(bias, _context, nameof(bias));
        Expect.That(bias is null || bias.Shape[0] == outputs, nameof(bias), bias?.Shape, $"[{outputs}]");
        using var turn = Enter();
        var rows = x.Shape[0];
        var (from, factors, offsets, to, adds) = (Address(x), w.Address, b?.Address ?? 0, Address(y), accumulate ? 1 : 0);
        var parameters = stackalloc void*[] { &from, &factors, &offsets, &to, &rows, &inputs, &outputs, &scale, &adds };
        if (rows <= FewRows)
        {
            const int threads = 128; // four warps, an output each
            var kernel = rows == 1 ? _kernels.Linear1 : _kernels.Linear8;
            _context.Launch(kernel.For(w.Elements), rows == 0 ? 0 : Blocks(outputs, threads / 32), 1, 1, threads, parameters);
        }
        else
        {
            _context.Launch(_kernels.Linear.For(w.Elements), Blocks(outputs, LinearTile), Blocks(rows, LinearTile), 1, Threads, parameters);
        }
        GC.KeepAlive(w);
        GC.KeepAlive(b);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences)
    {
        var paged = Owned.Cache(cache, layer, _context);
        Expect.Rotation(query, key, value, cos, sin, cache.Shape, sequences);
        using var turn = Enter();
        var (rows, heads) = (query.Shape[0], query.Shape[1]);
        var (kvHeads, headDim, pageTokens) = (cache.Shape.KvHeads, cache.Shape.HeadDim, cache.Shape.PageTokens);
        var (q, k, v) = (Address(query), Address(key), value.IsEmpty ? 0 : Address(value));
        var (c, s, slots) = (Address(cos), Address(sin), Slots(rows, pageTokens, sequences));
        var (keys, values) = (paged.Keys(layer), paged.Values(layer));
        var parameters = stackalloc void*[]
        {
            &q, &k, &v, &c, &s, &slots, &keys, &values, &heads, &kvHeads, &headDim, &pageTokens,
        };
        _context.Launch(_kernels.RotateAndStore, rows, 1, 1, Threads, parameters);
        KeepAlive(query, key);
        KeepAlive(cos, sin);
        GC.KeepAlive(value.Buffer);
        GC.KeepAlive(cache);
    }

    /// <inheritdoc/>
    public void Attention(in AttentionCall call)
    {
        Owned.Cache(call.Cache, call.Layer, _context);
        Expect.Attention(call);
        if (!call.Output.IsEmpty)
        {
            Expect.Shape(call.Output, call.Query.Shape, nameof(call.Output));
        }
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            if (sequence.Tap is { } tap)
            {
                Expect.Tap(tap, call.Query.Shape[1]);
            }
        }
        using var turn = Enter();
        _attention.Run(call);
        KeepAlive(call.Query, call.Output);
        GC.KeepAlive(call.Cache);
    }

    /// <inheritdoc/>
    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        Owned.Cache(call.Cache, call.Layer, _context);
        Expect.Attention(call);
        Expect.Probabilities(call, sequence, head, firstRow, probabilities);
        using var turn = Enter();
        _attention.Probabilities(call, sequence, head, firstRow, probabilities);
        KeepAlive(call.Query, probabilities);
        GC.KeepAlive(call.Cache);
    }

    /// <inheritdoc/>
    public void SiluMultiply(Tensor gate, Tensor up, Tensor y)
    {
        Expect.Shape(up, gate.Shape, nameof(up));
        Expect.Shape(y, gate.Shape, nameof(y));
        using var turn = Enter();
        var (g, u, to, count) = (Address(gate), Address(up), Address(y), gate.Shape.Elements);
        var parameters = stackalloc void*[] { &g, &u, &to, &count };
        _context.Launch(_kernels.SiluMultiply, Math.Min(MaxBlocks, Blocks(count, Threads)), 1, 1, Threads, parameters);
        KeepAlive(gate, up);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void ArgMax(Tensor logits, ReadOnlySpan<int> allowed, Span<int> best)
    {
        Expect.That(logits.Shape.Rank == 2 && logits.Shape[1] > 0, nameof(logits), logits.Shape, "[rows, vocabulary]");
        var (rows, vocabulary) = (logits.Shape[0], logits.Shape[1]);
        Expect.That(best.Length >= rows, nameof(best), best.Length, $"room for {rows} rows");
        foreach (var candidate in allowed)
        {
            Expect.That(candidate >= 0 && candidate < vocabulary, nameof(allowed), candidate, $"below {vocabulary}");
        }
        using var turn = Enter();
        var (x, candidates, count) = (Address(logits), allowed.IsEmpty ? 0 : _allowed.Put(allowed), allowed.IsEmpty ? vocabulary : allowed.Length);
        var places = _best.Take(rows);
        var parameters = stackalloc void*[] { &x, &vocabulary, &candidates, &count, &places };
        _context.Launch(_kernels.ArgMax, rows, 1, 1, Threads, parameters);
        fixed (int* to = best)
        {
            _context.Download(places, to, (long)rows * sizeof(int));
        }
        GC.KeepAlive(logits.Buffer);
    }

    /// <inheritdoc/>
    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums)
    {
        ExpectAffinity.Add(pooled, order, sums);
        using var turn = Enter();
        _affinity.Add(pooled, order, sums);
        KeepAlive(pooled, sums);
    }

    /// <inheritdoc/>
    public void MeanAffinity(Tensor sums)
    {
        ExpectAffinity.Square(sums, nameof(sums));
        using var turn = Enter();
        _affinity.Mean(sums);
        GC.KeepAlive(sums.Buffer);
    }

    /// <inheritdoc/>
    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        ExpectAffinity.Neighbours(affinity, labels, others);
        using var turn = Enter();
        _affinity.NeighbourLabels(affinity, labels, others);
        GC.KeepAlive(affinity.Buffer);
    }

    /// <inheritdoc/>
    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees)
    {
        ExpectAffinity.Vector(rootDegrees, ExpectAffinity.Square(affinity, nameof(affinity)), affinity, nameof(rootDegrees));
        using var turn = Enter();
        _affinity.Normalise(affinity, rootDegrees);
        KeepAlive(affinity, rootDegrees);
    }

    /// <inheritdoc/>
    public void SymmetricProduct(Tensor a, Tensor x, Tensor y)
    {
        ExpectAffinity.Product(a, x, y);
        using var turn = Enter();
        _affinity.Product(a, x, y);
        KeepAlive(a, x);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        ExpectAffinity.Basis(basis, w, parts);
        using var turn = Enter();
        var norm = _affinity.Orthonormalise(basis, w, parts);
        KeepAlive(basis, w);
        return norm;
    }

    /// <summary>Lets go of the device. Tensors, weights and caches keep their memory until they are disposed themselves.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }
            _disposed = true;
            _attention.Dispose();
            _affinity.Dispose();
            _ids.Dispose();
            _allowed.Dispose();
            _slots.Dispose();
            _best.Dispose();
            _context.Release();
        }
    }

    private static long Blocks(long elements, int each) => (elements + each - 1) / each;

    // Keeps memory from being given back before the kernels that use it are on the stream; giving it back waits for those.
    private static void KeepAlive(Tensor a, Tensor b)
    {
        GC.KeepAlive(a.Buffer);
        GC.KeepAlive(b.Buffer);
    }

    private ulong Address(Tensor x) => Owned.Address(x, _context);

    /// <summary>This thread's turn at the device.</summary>
    private Lock.Scope Enter()
    {
        var turn = _lock.EnterScope();
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _context.MakeCurrent();
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>Where each row goes in the cache: page * pageTokens + place in it, or -1.</summary>
    private ulong Slots(int rows, int pageTokens, ReadOnlySpan<SequenceRows> sequences)
    {
        _slotValues.Clear();
        for (var row = 0; row < rows; row++)
        {
            _slotValues.Add(-1);
        }
        foreach (ref readonly var sequence in sequences)
        {
            var pages = sequence.Pages.Span;
            for (var r = 0; r < sequence.RowCount; r++)
            {
                var position = sequence.Start + r;
                _slotValues[sequence.FirstRow + r] = checked(pages[position / pageTokens] * pageTokens + position % pageTokens);
            }
        }
        return _slots.Put(CollectionsMarshal.AsSpan(_slotValues));
    }
}
