using IccEngine.Core;

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

    /// <summary>The rows of a many-row product, laid out anew.</summary>
    Rows,
}

/// <summary>
/// Working memory of one thread: native blocks that grow to the largest size asked for and are kept as long as the thread lives, so
/// that nothing is allocated once an operation has run.
/// </summary>
internal sealed unsafe class Scratch
{
    [ThreadStatic]
    private static Scratch? t_mine;

    private readonly nint[] _blocks = new nint[Enum.GetValues<ScratchUse>().Length];
    private readonly nint[] _addresses = new nint[Enum.GetValues<ScratchUse>().Length];
    private readonly long[] _bytes = new long[Enum.GetValues<ScratchUse>().Length];

    ~Scratch() => Array.ForEach(_blocks, HostMemory.Free);

    /// <summary>At least <paramref name="bytes"/> bytes, aligned to a cache line; whatever was there before stays or is lost.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static byte* Take(ScratchUse use, long bytes)
    {
        var mine = t_mine ??= new Scratch();
        return bytes <= mine._bytes[(int)use] ? (byte*)mine._addresses[(int)use] : mine.Grow((int)use, bytes);
    }

    private byte* Grow(int use, long bytes)
    {
        var wanted = Math.Max(bytes, _bytes[use] * 3 / 2);
        HostMemory.Free(_blocks[use]);
        (_blocks[use], _bytes[use]) = (0, 0);
        _blocks[use] = HostMemory.Allocate(wanted, sparse: false, out _addresses[use]);
        _bytes[use] = wanted;
        return (byte*)_addresses[use];
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
