using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// Keys, then values, as [layers, pages, kvHeads, pageTokens, stride] float32: the tokens of one head lie one after the other. The
/// stride is headDim rounded up to a cache line and the padding stays zero, so that no kernel has a tail along a head.
/// </summary>
internal sealed unsafe class CpuKvCache : KvCache
{
    private readonly HostBuffer _buffer;
    private readonly long _values;

    public CpuKvCache(KvShape shape) : base(shape)
    {
        if (shape is not { Layers: > 0, KvHeads: > 0, HeadDim: > 0, PageTokens: > 0, Pages: > 0 })
        {
            throw new ArgumentException($"a KV cache of {shape}: every extent must be at least 1", nameof(shape));
        }
        Stride = Padded(shape.HeadDim);
        _values = checked((long)shape.Layers * shape.Pages * shape.KvHeads * shape.PageTokens * Stride);
        _buffer = new HostBuffer(DType.F32, checked(2 * _values), sparse: true);
    }

    /// <summary>Elements from one token's head to the next token's.</summary>
    public int Stride { get; }

    /// <summary>Elements from the keys to the values.</summary>
    public long ValueOffset => _values;

    /// <summary>A head's elements rounded up to a cache line.</summary>
    public static int Padded(int headDim) => (headDim + 15) / 16 * 16;

    /// <summary>Keys of one head in one page [pageTokens, stride].</summary>
    /// <exception cref="ObjectDisposedException">The cache was given back.</exception>
    public float* Keys(int layer, int page, int kvHead)
    {
        var address = _buffer.Address;
        ObjectDisposedException.ThrowIf(address == 0, this);
        return (float*)address + (((long)layer * Shape.Pages + page) * Shape.KvHeads + kvHead) * Shape.PageTokens * Stride;
    }

    /// <summary>Addresses of the keys at positions [start, start + count) of a sequence, the last one repeated up to <paramref name="room"/>.</summary>
    public void Addresses(int layer, int kvHead, ReadOnlySpan<int> pages, int start, int count, float** addresses, int room)
    {
        var page = start / Shape.PageTokens;
        var slot = start % Shape.PageTokens;
        for (var filled = 0; filled < count; page++, slot = 0)
        {
            var key = Keys(layer, pages[page], kvHead) + (long)slot * Stride;
            for (; slot < Shape.PageTokens && filled < count; slot++, filled++, key += Stride)
            {
                addresses[filled] = key;
            }
        }
        for (var i = count; i < room; i++)
        {
            addresses[i] = addresses[count - 1];
        }
    }

    /// <summary>Copies a page, in every layer.</summary>
    /// <exception cref="ObjectDisposedException">The cache was given back.</exception>
    public void CopyPage(int from, int to)
    {
        var bytes = (long)Shape.KvHeads * Shape.PageTokens * Stride * sizeof(float);
        for (var layer = 0; layer < Shape.Layers; layer++)
        {
            var source = Keys(layer, from, 0);
            var target = Keys(layer, to, 0);
            Buffer.MemoryCopy(source, target, bytes, bytes);
            Buffer.MemoryCopy(source + _values, target + _values, bytes, bytes);
        }
    }

    public override void Dispose() => _buffer.Dispose();
}
