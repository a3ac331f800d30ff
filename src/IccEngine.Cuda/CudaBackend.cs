using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The backend of an NVIDIA device: kernels of kernels/*.cu, loaded and launched by the driver. Activations, taps and the KV cache are
/// float32 on the device; weights keep the type of their file. Calls write work down and return; what was written down goes to one stream
/// before the next copy, or once there is enough of it, and reading waits for it: an error of a kernel may come with a later call.
/// <para>
/// Equal calls give equal bits. Any number of threads may call; their calls follow one another.
/// </para>
/// </summary>
public sealed unsafe partial class CudaBackend : IBackend
{
    private const int Threads = 256;
    private readonly Lock _lock = new();
    private readonly CudaContext _context;
    private readonly Kernels _kernels;
    private readonly CudaAttention _attention;
    private readonly CudaAffinity _affinity;
    private readonly IntegerTable _ids, _allowed, _slots;
    private readonly Scratch _best;
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
        try
        {
            _context.Clear(buffer.Address, dtype.Bytes(shape.Elements));
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
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

    /// <summary>The device for something that is no operation of a model, in its turn.</summary>
    internal T Use<T>(Func<CudaContext, Kernels, T> action)
    {
        using var turn = Enter();
        return action(_context, _kernels);
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
            _context.Drop();
            _attention.Dispose();
            _affinity.Dispose();
            _ids.Dispose();
            _allowed.Dispose();
            _slots.Dispose();
            _best.Dispose();
            _context.Release();
        }
    }

    // Keeps memory from being given back before the launches that use it are written down; giving it back waits for those.
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
            _context.Begin();
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }
}
