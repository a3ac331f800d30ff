using System.Runtime.InteropServices;

namespace IccEngine.Core;

/// <summary>
/// Native memory of a backend that runs on the host: zeroed, aligned to a cache line, and committed by the operating system only as
/// it is touched, so that a buffer may be sized for the longest case.
/// </summary>
public sealed unsafe class HostBuffer : DeviceBuffer
{
    private const int Alignment = 64;
    private nint _block;

    /// <summary>Takes memory for <paramref name="elements"/> elements.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public HostBuffer(DType dtype, long elements) : base(dtype, elements)
    {
        var bytes = dtype.Bytes(elements);
        // Memory is committed on first touch: a request beyond the machine must fail here and not in the middle of the work.
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new IccMemoryException($"{bytes:N0} bytes of memory are needed in one piece; this machine has {available:N0}");
        }
        try
        {
            _block = (nint)NativeMemory.AllocZeroed((nuint)(bytes + Alignment));
        }
        catch (OutOfMemoryException e)
        {
            throw new IccMemoryException($"no memory for {bytes:N0} bytes", e);
        }
        Address = (_block + Alignment - 1) & ~(nint)(Alignment - 1);
    }

    /// <summary>First byte; a multiple of 64.</summary>
    public nint Address { get; private set; }

    /// <inheritdoc/>
    public override void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the memory back of a buffer that nobody disposed.</summary>
    ~HostBuffer() => Release();

    private void Release()
    {
        var block = Interlocked.Exchange(ref _block, 0);
        if (block != 0)
        {
            Address = 0;
            NativeMemory.Free((void*)block);
        }
    }
}
