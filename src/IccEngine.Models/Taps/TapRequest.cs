using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>Which pooled attention is wanted of a sequence (see <see cref="AttentionTap"/> for the definitions).</summary>
public sealed record TapRequest
{
    /// <summary>Spans [S], disjoint and in order.</summary>
    public IReadOnlyList<TokenSpan> Spans { get; init; } = [];

    /// <summary>Positions [O] of single tokens, all different.</summary>
    public IReadOnlyList<int> Singles { get; init; } = [];

    /// <summary>Layers, ascending; null: all.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>Keep the heads apart instead of their mean.</summary>
    public bool PerHead { get; init; }
}
