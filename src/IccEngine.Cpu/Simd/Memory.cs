using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace IccEngine.Cpu;

/// <summary>Hints to the caches.</summary>
internal static unsafe class Memory
{
    /// <summary>Bytes that come together.</summary>
    public const int CacheLine = 64;

    /// <summary>Asks for a cache line that is read soon; an address outside the process's memory does no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(address);
        }
    }
}
