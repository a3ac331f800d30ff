using System.Runtime.InteropServices;

namespace IccEngine.Core;

/// <summary>
/// Native memory of a backend that runs on the host: zeroed, aligned to a cache line, and committed by the operating system only as
/// it is touched, so that a buffer may be sized for the longest case. Large buffers are made of huge pages where the system gives them.
/// </summary>
public sealed unsafe partial class HostBuffer : DeviceBuffer
{
    private const int Alignment = 64;
    private const int HugePage = 2 << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE of Linux
    private nint _block;

    /// <summary>Takes memory for <paramref name="elements"/> elements.</summary>
    /// <param name="dtype">Type of the elements.</param>
    /// <param name="elements">Their number.</param>
    /// <param name="sparse">Only small parts far from each other will be touched: huge pages would commit what lies between.</param>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public HostBuffer(DType dtype, long elements, bool sparse = false) : base(dtype, elements)
    {
        var bytes = dtype.Bytes(elements);
        var huge = !sparse && bytes >= 2 * HugePage && OperatingSystem.IsLinux();
        var alignment = huge ? HugePage : Alignment;
        // Memory is committed on first touch: a request beyond the machine must fail here and not in the middle of the work.
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > available)
        {
            throw new IccMemoryException($"{bytes:N0} bytes of memory are needed in one piece; this machine has {available:N0}");
        }
        try
        {
            _block = (nint)NativeMemory.AllocZeroed((nuint)(bytes + alignment));
        }
        catch (OutOfMemoryException e)
        {
            throw new IccMemoryException($"no memory for {bytes:N0} bytes", e);
        }
        Address = (_block + alignment - 1) & ~(nint)(alignment - 1);
        if (huge)
        {
            // A hint: where it is refused, memory comes in small pages.
            _ = Advise(Address, (nuint)(bytes / HugePage * HugePage), AdviseHugePages);
        }
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

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint bytes, int advice);

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
