using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// Keys, then values, as [layers, pages, kvHeads, pageTokens, headDim] of one type: the tokens of one head lie one after the other.
/// Addresses are taken at once, memory for all layers of a page when the page is first used.
/// </summary>
internal sealed class CudaKvCache : KvCache
{
    private readonly MappedMemory _memory;
    private readonly bool[] _used; // by page

    /// <summary>Takes the addresses.</summary>
    /// <exception cref="IccUnsupportedException">No kernel has heads of this size.</exception>
    public CudaKvCache(CudaContext context, KvShape shape, DType elements) : base(shape)
    {
        if (shape is not { Layers: > 0, KvHeads: > 0, HeadDim: > 0, PageTokens: > 0, Pages: > 0 })
        {
            throw new ArgumentException($"a KV cache of {shape}: every extent must be at least 1", nameof(shape));
        }
        if (shape.HeadDim > Kernels.MaxHeadDim)
        {
            throw new IccUnsupportedException($"heads of {shape.HeadDim} elements: the CUDA kernels have at most {Kernels.MaxHeadDim}; compute on cpu");
        }
        if (elements.Bytes(shape.HeadDim) % sizeof(int) != 0)
        {
            throw new IccUnsupportedException($"heads of {shape.HeadDim} elements: in {elements} the CUDA kernels have an even number of them; compute in float32");
        }
        Elements = elements;
        PageBytes = elements.Bytes(checked((long)shape.KvHeads * shape.PageTokens * shape.HeadDim));
        _used = new bool[shape.Pages];
        _memory = new MappedMemory(context, checked(2 * shape.Layers * shape.Pages * PageBytes));
    }

    /// <summary>The context whose memory this is.</summary>
    public CudaContext Context => _memory.Context;

    /// <summary>Bytes of the keys, or of the values, of a page in one layer; a multiple of 4.</summary>
    public long PageBytes { get; }

    /// <summary>Type of keys and values: F32 or BF16.</summary>
    public DType Elements { get; }

    /// <summary>Address on the device of a layer's keys.</summary>
    public ulong Keys(int layer) => _memory.Address + (ulong)Offset(layer, 0);

    /// <summary>Address on the device of a layer's values.</summary>
    public ulong Values(int layer) => Keys(Shape.Layers + layer);

    /// <summary>Takes memory for the pages of sequences that have none yet: all that they need, or where that fails nothing of the page.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public void Take(ReadOnlySpan<SequenceRows> sequences)
    {
        foreach (ref readonly var sequence in sequences)
        {
            foreach (var page in sequence.Pages.Span[..((sequence.Length - 1) / Shape.PageTokens + 1)])
            {
                Take(page);
            }
        }
    }

    /// <summary>Takes memory for a page that has none yet, in all layers, or where that fails nothing of it.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public void Take(int page)
    {
        if (_used[page])
        {
            return;
        }
        var mark = _memory.Mark;
        try
        {
            for (var layer = 0; layer < 2 * Shape.Layers; layer++) // keys, then values
            {
                _memory.Take(Offset(layer, page), PageBytes);
            }
        }
        catch
        {
            _memory.Undo(mark);
            throw;
        }
        _used[page] = true;
    }

    /// <inheritdoc/>
    public override void Dispose() => _memory.Dispose();

    private long Offset(int layer, int page) => ((long)layer * Shape.Pages + page) * PageBytes;
}
