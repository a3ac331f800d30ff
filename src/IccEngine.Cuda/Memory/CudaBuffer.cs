using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Memory of a CUDA device.</summary>
internal sealed class CudaBuffer : DeviceBuffer
{
    private readonly CudaContext _context;
    private ulong _address;

    /// <summary>Takes memory, with any content.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public CudaBuffer(CudaContext context, DType dtype, long elements) : base(dtype, elements)
    {
        _context = context;
        try
        {
            _address = context.Allocate(dtype.Bytes(elements));
        }
        catch
        {
            GC.SuppressFinalize(this);
            throw;
        }
    }

    /// <summary>The context whose memory this is.</summary>
    public CudaContext Context => _context;

    /// <summary>Address on the device of the first byte; a multiple of 256.</summary>
    /// <exception cref="ObjectDisposedException">The memory was given back.</exception>
    public ulong Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_address == 0, this);
            return _address;
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back of a buffer that nobody disposed.</summary>
    ~CudaBuffer() => Release();

    private void Release()
    {
        var address = Interlocked.Exchange(ref _address, 0);
        if (address != 0)
        {
            _context.Free(address);
        }
    }
}
