namespace IccEngine.Core;

/// <summary>One attention of one layer over a ragged batch whose keys and values are in the cache already.</summary>
public readonly record struct AttentionCall
{
    /// <summary>Queries, rotated, [rows, heads, headDim]. Query head h reads KV head h / (heads / kvHeads).</summary>
    public required Tensor Query { get; init; }

    /// <summary>Keys and values, those of the batch included.</summary>
    public required KvCache Cache { get; init; }

    /// <summary>Layer of the cache to read.</summary>
    public required int Layer { get; init; }

    /// <summary>Which rows belong to which sequence, and what is tapped of it.</summary>
    public required ReadOnlyMemory<SequenceRows> Sequences { get; init; }

    /// <summary>Which keys a query sees.</summary>
    public required AttentionMask Mask { get; init; }

    /// <summary>Factor of the scores, usually headDim^-0.5.</summary>
    public required float Scale { get; init; }

    /// <summary>Result [rows, heads, headDim]; empty where only the taps are wanted, and then no value is read.</summary>
    public Tensor Output { get; init; }
}
