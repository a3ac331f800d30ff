namespace IccEngine.Models;

/// <summary>One sequence of tokens in a session's KV cache.</summary>
public sealed class Sequence
{
    private readonly int[] _pages;

    /// <summary>An empty sequence that can have so many pages.</summary>
    internal Sequence(LoraAdapter? adapter, int mostPages) => (Adapter, _pages) = (adapter, new int[mostPages]);

    /// <summary>The adapter that its tokens pass through, or null.</summary>
    public LoraAdapter? Adapter { get; }

    /// <summary>Tokens in the cache.</summary>
    public int Length { get; internal set; }

    /// <summary>
    /// Whether a forward pass of this sequence stopped after the last tapped layer: the layers above have no keys, and the sequence
    /// can not be continued.
    /// </summary>
    public bool IsPartial { get; internal set; }

    internal int PageCount { get; private set; }

    /// <summary>Page table: position p lies in page Pages[p / pageTokens].</summary>
    internal ReadOnlyMemory<int> Pages => _pages.AsMemory(0, PageCount);

    internal void AddPage(int page) => _pages[PageCount++] = page;

    internal void Clear() => (PageCount, Length, IsPartial) = (0, 0, false);
}
