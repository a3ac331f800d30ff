using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The backend of an NVIDIA device: kernels of kernels/*.cu, loaded and launched by the driver. Activations and taps are float32
/// on the device, the KV cache has the <see cref="ComputeType"/>, weights keep the type of their file. Calls write work down and return;
/// what was written down goes to one stream before the next copy, or once there is enough of it, and reading waits for it: an error of a
/// kernel may come with a later call.
/// <para>
/// Equal calls give equal bits. Any number of threads may call; their calls follow one another.
/// </para>
/// </summary>
public sealed unsafe partial class CudaBackend : IBackend
{
    /// <summary>Up to so many rows a linear layer reads its weight once, without tensor cores and in float32.</summary>
    public const int FewRows = 8; // linear_few.cu

    private const int Threads = 256;
    private readonly Lock _lock = new();
    private readonly CudaContext _context;
    private readonly Kernels _kernels;
    private readonly CudaLinear _linear;
    private readonly CudaAttention _attention;
    private readonly CudaAffinity _affinity;
    private readonly CudaSampling _sampling;
    private readonly IntegerTable _ids, _slots;
    private bool _disposed;

    /// <summary>Opens a device.</summary>
    /// <param name="device">Its number, from 0.</param>
    /// <param name="driverLibrary">Path of the driver's library; null: the system's.</param>
    /// <param name="compute">See <see cref="ComputeType"/>.</param>
    /// <exception cref="ArgumentException">The type is neither F32 nor BF16.</exception>
    /// <exception cref="IccDeviceException">There is no driver or no such device, it is too old, or it does not accept the kernels.</exception>
    /// <exception cref="IccMemoryException">The device has no memory left.</exception>
    public CudaBackend(int device = 0, string? driverLibrary = null, DType compute = DType.F32)
    {
        if (compute is not (DType.F32 or DType.BF16))
        {
            throw new ArgumentException($"{compute}; expected F32 or BF16", nameof(compute));
        }
        ComputeType = compute;
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
        _linear = new CudaLinear(_context, _kernels, compute, driverLibrary);
        _attention = new CudaAttention(_context, _kernels);
        _affinity = new CudaAffinity(_context, _kernels);
        _sampling = new CudaSampling(_context, _kernels);
        (_ids, _slots) = (new IntegerTable(_context), new IntegerTable(_context));
    }

    /// <summary>The device.</summary>
    public CudaDevice Device => _context.Device;

    /// <inheritdoc/>
    public string Description =>
        string.Join("; ", new[] { $"{Device}{(ComputeType == DType.BF16 ? ", bfloat16" : "")}", _linear.Failure, _attention.Failure }.Where(s => s is not null));

    /// <inheritdoc/>
    public DType ActivationType => DType.F32;

    /// <summary>
    /// What tensor cores multiply where a linear layer has many rows. F32: products as float32 has them. BF16: both sides rounded to
    /// bfloat16 first, a relative error of up to 2^-9 each, sums in float32; several times as fast. Attention likewise, and the KV cache
    /// has this type (docs/cuda.md).
    /// </summary>
    public DType ComputeType { get; }

    /// <summary>What <see cref="MatrixProduct"/> can be set to, besides Auto.</summary>
    public IReadOnlyList<MatrixProduct> MatrixProducts
    {
        get
        {
            using var turn = Enter();
            return _linear.Products;
        }
    }

    /// <summary>
    /// What multiplies the matrices of linear layers with many rows, for comparison; MmaSync and Wgmma also say what multiplies in the
    /// attention of prompts in bfloat16, where there is a kernel for it.
    /// </summary>
    /// <exception cref="IccDeviceException">This device or machine does not have it.</exception>
    public MatrixProduct MatrixProduct
    {
        get
        {
            using var turn = Enter();
            return _linear.Product;
        }
        set
        {
            using var turn = Enter();
            _linear.Product = value;
            _attention.Product = value;
        }
    }

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
    public Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored)
    {
        using var int8 = Int8Matrix.For(source, format);
        using var turn = Enter();
        return new CudaWeight(_context, source, int8);
    }

    /// <inheritdoc/>
    public KvCache CreateKvCache(KvShape shape)
    {
        using var turn = Enter();
        return new CudaKvCache(_context, shape, ComputeType);
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
            _linear.Dispose();
            _attention.Dispose();
            _affinity.Dispose();
            _sampling.Dispose();
            _ids.Dispose();
            _slots.Dispose();
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
