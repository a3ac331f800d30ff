using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// Keys, then values, as [layers, pages, kvHeads, pageTokens, headDim] of one type: the tokens of one head lie one after the other. All of it
/// is taken at once.
/// </summary>
internal sealed class CudaKvCache : KvCache
{
    private readonly CudaBuffer _buffer;
    private readonly long _layer;

    /// <summary>Takes the memory.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
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
        Elements = elements;
        _layer = checked((long)shape.Pages * shape.KvHeads * shape.PageTokens * shape.HeadDim);
        _buffer = new CudaBuffer(context, elements, checked(2 * shape.Layers * _layer));
    }

    /// <summary>The context whose memory this is.</summary>
    public CudaContext Context => _buffer.Context;

    /// <summary>Type of keys and values: F32 or BF16.</summary>
    public DType Elements { get; }

    /// <summary>Address on the device of a layer's keys.</summary>
    public ulong Keys(int layer) => _buffer.Address + (ulong)Elements.Bytes(layer * _layer);

    /// <summary>Address on the device of a layer's values.</summary>
    public ulong Values(int layer) => Keys(Shape.Layers + layer);

    /// <inheritdoc/>
    public override void Dispose() => _buffer.Dispose();
}
