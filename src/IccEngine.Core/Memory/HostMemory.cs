using System.Runtime.InteropServices;

namespace IccEngine.Core;

/// <summary>
/// Native memory: zeroed, aligned to a cache line, committed by the operating system only as it is touched. Large blocks are made of huge
/// pages where the system gives them: walking through matrices in small pages costs more than the arithmetic where every row begins
/// another page.
/// </summary>
public static unsafe partial class HostMemory
{
    /// <summary>What the machine, or the container, has; asking allocates, so it is asked once.</summary>
    private static readonly long Available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    private const int Alignment = 64;
    private const int HugePage = 2 << 20;
    private const int AdviseHugePages = 14; // MADV_HUGEPAGE of Linux

    /// <summary>Takes memory.</summary>
    /// <param name="bytes">Bytes wanted.</param>
    /// <param name="sparse">Only small parts far from each other will be touched: huge pages would commit what lies between.</param>
    /// <param name="address">First byte; a multiple of 64.</param>
    /// <returns>What <see cref="Free"/> takes.</returns>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static nint Allocate(long bytes, bool sparse, out nint address)
    {
        // Memory is committed on first touch: a request beyond the machine must fail here and not in the middle of the work.
        if (bytes > Available)
        {
            throw new IccMemoryException($"{bytes:N0} bytes of memory are needed in one piece; this machine has {Available:N0}");
        }
        var huge = !sparse && bytes >= 2 * HugePage && OperatingSystem.IsLinux();
        var alignment = huge ? HugePage : Alignment;
        nint block;
        try
        {
            block = (nint)NativeMemory.AllocZeroed((nuint)(bytes + alignment));
        }
        catch (OutOfMemoryException e)
        {
            throw new IccMemoryException($"no memory for {bytes:N0} bytes", e);
        }
        address = (block + alignment - 1) & ~(nint)(alignment - 1);
        if (huge)
        {
            // A hint: where it is refused, memory comes in small pages.
            _ = Advise(address, (nuint)(bytes / HugePage * HugePage), AdviseHugePages);
        }
        return block;
    }

    /// <summary>Gives memory back; 0 is nothing.</summary>
    public static void Free(nint block) => NativeMemory.Free((void*)block);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint bytes, int advice);
}
