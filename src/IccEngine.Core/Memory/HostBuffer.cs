namespace IccEngine.Core;

/// <summary>
/// Native memory of a backend that runs on the host (<see cref="HostMemory"/>): zeroed, and committed by the operating system only as it is
/// touched, so that a buffer may be sized for the longest case.
/// </summary>
public sealed class HostBuffer : DeviceBuffer
{
    private nint _block;

    /// <summary>Takes memory for <paramref name="elements"/> elements.</summary>
    /// <param name="dtype">Type of the elements.</param>
    /// <param name="elements">Their number.</param>
    /// <param name="sparse">As for <see cref="HostMemory.Allocate"/>.</param>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public HostBuffer(DType dtype, long elements, bool sparse = false) : base(dtype, elements)
    {
        _block = HostMemory.Allocate(dtype.Bytes(elements), sparse, out var address);
        Address = address;
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
            HostMemory.Free(block);
        }
    }
}
