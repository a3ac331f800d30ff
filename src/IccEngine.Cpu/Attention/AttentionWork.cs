using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>One sequence of an attention call: how its work is cut into items, and where its items leave what is reduced afterwards.</summary>
internal struct SequencePlan
{
    /// <summary>(query row, query head of a group) pairs of one KV head: lane = row * group + head within the group.</summary>
    public int Lanes;

    /// <summary>Few lanes: <see cref="DotAttention{TOps, TV}"/>, cut along the keys; else <see cref="TileAttention{TOps, TV}"/>, cut into tiles of lanes.</summary>
    public bool Dot;

    /// <summary>Tiles of lanes; 1 where <see cref="Dot"/>.</summary>
    public int Tiles;

    /// <summary>First stretch of keys that any row sees, and the number of stretches, where <see cref="Dot"/>.</summary>
    public int FirstSplit, Splits;

    /// <summary>Its first item among those of the call, of the merge and of the reduction.</summary>
    public int FirstItem, FirstMerge, FirstTarget;

    /// <summary>Spans and singles (by position) that hold a row of the call; none where nothing is wanted of them.</summary>
    public int FirstSpan, SpanCount, FirstSingle, SingleCount;

    /// <summary>Heads of a group that are kept apart: the group's where the tap is per head, else 1.</summary>
    public int Planes;

    /// <summary>Elements of a span's row and of a single's row in the partial sums.</summary>
    public int SpanRow, SingleRow;

    /// <summary>First element in the partial sums, and elements for each KV head.</summary>
    public long Partials, PartialsPerHead;

    /// <summary>First element in the states of stretches of keys, and elements for each KV head.</summary>
    public long States, StatesPerHead;

    /// <summary>Whether any row of the call lies in a span or single of which something is wanted.</summary>
    public readonly bool Tapped => SpanCount + SingleCount > 0;
}

/// <summary>What all items of one attention call share. Fields, because the items read them all the time and a property would copy.</summary>
internal unsafe struct AttentionWork
{
    /// <summary>[rows, heads, headDim]</summary>
    public float* Query;

    /// <summary>[rows, heads, headDim], or null</summary>
    public float* Output;

    public CpuKvCache Cache;
    public int Layer;
    public ReadOnlyMemory<SequenceRows> Sequences;
    public AttentionMask Mask;
    public float Scale;
    public int Heads;
    public int KvHeads;
    public int HeadDim;

    /// <summary>Query heads of one KV head.</summary>
    public int Group;

    /// <summary>One for each sequence.</summary>
    public SequencePlan* Plans;

    /// <summary>Sums of the taps by (sequence, KV head, tile).</summary>
    public float* Partials;

    /// <summary>What the stretches of keys of <see cref="DotAttention{TOps, TV}"/> leave.</summary>
    public float* States;

    /// <summary>The query, or the output, of one lane.</summary>
    public readonly long LaneOffset(in SequenceRows sequence, int kvHead, int lane)
    {
        var row = lane / Group;
        return ((long)(sequence.FirstRow + row) * Heads + kvHead * Group + (lane - row * Group)) * HeadDim;
    }

    /// <summary>The last sequence whose first item, as <paramref name="first"/> tells it, is not beyond <paramref name="item"/>.</summary>
    public readonly int Find(int item, delegate*<in SequencePlan, int> first)
    {
        var (low, high) = (0, Sequences.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = first(in Plans[middle]) <= item ? (middle, high) : (low, middle - 1);
        }
        return low;
    }
}
