using System.Runtime.InteropServices;

namespace IccEngine.Cpu;

/// <summary>What a piece of scratch memory is for; each purpose has its own block.</summary>
internal enum ScratchUse
{
    /// <summary>Inside an item of a job.</summary>
    Item,

    /// <summary>What the caller of an attention lays out before the items run.</summary>
    Plan,

    /// <summary>What the items of an attention leave for its reductions.</summary>
    Partials,
}

/// <summary>
/// Working memory of one thread: native blocks that grow to the largest size asked for and are kept as long as the thread lives, so
/// that nothing is allocated once an operation has run.
/// </summary>
internal sealed unsafe class Scratch
{
    private const int Alignment = 64;

    [ThreadStatic]
    private static Scratch? t_mine;

    private readonly nint[] _blocks = new nint[Enum.GetValues<ScratchUse>().Length];
    private readonly long[] _bytes = new long[Enum.GetValues<ScratchUse>().Length];

    ~Scratch()
    {
        foreach (var block in _blocks)
        {
            NativeMemory.AlignedFree((void*)block);
        }
    }

    /// <summary>At least <paramref name="bytes"/> bytes, aligned to a cache line; whatever was there before stays or is lost.</summary>
    /// <exception cref="InsufficientMemoryException">There is not enough memory.</exception>
    public static byte* Take(ScratchUse use, long bytes)
    {
        var mine = t_mine ??= new Scratch();
        return bytes <= mine._bytes[(int)use] ? (byte*)mine._blocks[(int)use] : mine.Grow((int)use, bytes);
    }

    private byte* Grow(int use, long bytes)
    {
        var wanted = Math.Max(bytes, _bytes[use] * 3 / 2);
        NativeMemory.AlignedFree((void*)_blocks[use]);
        (_blocks[use], _bytes[use]) = (0, 0);
        try
        {
            _blocks[use] = (nint)NativeMemory.AlignedAlloc((nuint)wanted, Alignment);
        }
        catch (OutOfMemoryException e)
        {
            throw new InsufficientMemoryException($"no memory for {wanted} bytes of scratch", e);
        }
        _bytes[use] = wanted;
        return (byte*)_blocks[use];
    }
}

/// <summary>Hands out a scratch block piece by piece, each on its own cache line.</summary>
internal unsafe ref struct Carver(byte* block)
{
    private byte* _next = block;

    /// <summary>Room for <paramref name="count"/> elements.</summary>
    public T* Take<T>(long count) where T : unmanaged
    {
        var taken = (T*)_next;
        _next += Bytes<T>(count);
        return taken;
    }

    /// <summary>What <see cref="Take"/> takes.</summary>
    public static long Bytes<T>(long count) where T : unmanaged => (count * sizeof(T) + 63) / 64 * 64;
}
