namespace IccEngine.Core;

/// <summary>Extents of a paged KV cache.</summary>
/// <param name="Layers">Decoder layers.</param>
/// <param name="KvHeads">Key and value heads of a layer.</param>
/// <param name="HeadDim">Elements of a head.</param>
/// <param name="PageTokens">Tokens of a page.</param>
/// <param name="Pages">Pages in all; a page number means the same page in every layer.</param>
public readonly record struct KvShape(int Layers, int KvHeads, int HeadDim, int PageTokens, int Pages);

/// <summary>
/// Keys and values of many sequences, in pages. What lies where inside a page is the backend's own business; who owns which page
/// is the business of the sequences' page tables.
/// </summary>
public abstract class KvCache : IDisposable
{
    /// <summary>A cache of the given extents.</summary>
    protected KvCache(KvShape shape) => Shape = shape;

    /// <summary>Extents.</summary>
    public KvShape Shape { get; }

    /// <summary>Gives the memory back.</summary>
    public abstract void Dispose();
}
