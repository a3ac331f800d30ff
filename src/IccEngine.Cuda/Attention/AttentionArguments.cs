using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>KvView of kernels/paged.h: one layer of a cache, and the mask.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KvView
{
    public ulong Keys;
    public ulong Values;
    public int KvHeads;
    public int HeadDim;
    public int PageTokens;
    public int Causal;
    public int Window;
    public float Scale;

    /// <summary>What a call reads.</summary>
    public static KvView Of(in AttentionCall call)
    {
        var cache = (CudaKvCache)call.Cache;
        return new KvView
        {
            Keys = cache.Keys(call.Layer),
            Values = cache.Values(call.Layer),
            KvHeads = cache.Shape.KvHeads,
            HeadDim = cache.Shape.HeadDim,
            PageTokens = cache.Shape.PageTokens,
            Causal = call.Mask.Causal ? 1 : 0,
            Window = call.Mask.Window ?? 0,
            Scale = call.Scale,
        };
    }
}

/// <summary>AttentionArguments of kernels/attention_tile.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct AttentionArguments
{
    public KvView Kv;
    public ulong Query;
    public ulong Output;
    public ulong Sequences;
    public ulong Pages;
    public ulong Tiles;
    public ulong PartResults;
    public ulong PartStats;
    public int Heads;
    public int Rows;

    /// <summary>What a call reads and writes, without parts of a split.</summary>
    public static AttentionArguments Of(in AttentionCall call, AttentionPlan plan, CudaContext context) => new()
    {
        Kv = KvView.Of(call),
        Query = Owned.Address(call.Query, context),
        Output = call.Output.IsEmpty ? 0 : Owned.Address(call.Output, context),
        Sequences = plan.SequencesAddress,
        Pages = plan.PagesAddress,
        Tiles = plan.TilesAddress,
        Heads = call.Query.Shape[1],
        Rows = call.Query.Shape[0],
    };
}

/// <summary>TapArguments of kernels/tap.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TapArguments
{
    public ulong Sequences;
    public ulong Tiles;
    public ulong Parts;
    public ulong Pieces;
    public ulong Room;
    public ulong Sums;
    public int TileCount;
    public int FirstKvHead;
    public int KvHeads;
    public int RoomParts;
}
