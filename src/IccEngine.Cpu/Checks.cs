using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>The objects that a caller gives, checked to be of this backend.</summary>
internal static unsafe class Checks
{
    /// <summary>A weight [out, in].</summary>
    public static CpuWeight Matrix(Weight weight, string name)
    {
        Expect.That(weight.Shape.Rank == 2, name, weight.Shape, "two dimensions");
        return Own(weight, name);
    }

    /// <summary>A weight [n], which is float32 in memory.</summary>
    public static CpuWeight Vector(Weight weight, string name)
    {
        Expect.That(weight.Shape.Rank == 1, name, weight.Shape, "one dimension");
        return Own(weight, name);
    }

    /// <summary>A cache of this backend that has the layer.</summary>
    public static CpuKvCache Cache(KvCache cache, int layer)
    {
        if (cache is not CpuKvCache own)
        {
            throw new ArgumentException($"cache is a {cache.GetType().Name}; expected one that this backend made", nameof(cache));
        }
        Expect.That(layer >= 0 && layer < cache.Shape.Layers, nameof(layer), layer, cache.Shape);
        return own;
    }

    /// <summary>All of an attention call but its output and taps.</summary>
    public static AttentionWork Attention(in AttentionCall call)
    {
        var cache = Cache(call.Cache, call.Layer);
        var (kvHeads, headDim) = (cache.Shape.KvHeads, cache.Shape.HeadDim);
        var query = call.Query.Shape;
        Expect.Attention(call);
        return new AttentionWork
        {
            Query = CpuBackend.Pointer(call.Query),
            Cache = cache,
            Layer = call.Layer,
            Sequences = call.Sequences,
            Mask = call.Mask,
            Scale = call.Scale,
            Heads = query[1],
            KvHeads = kvHeads,
            HeadDim = headDim,
            Group = query[1] / kvHeads,
        };
    }

    /// <summary>The tensors of a tap.</summary>
    public static void Tap(AttentionTap tap, int heads)
    {
        Expect.Tap(tap, heads);
        TapTensor(tap.SpanToSpan);
        TapTensor(tap.SingleToSpan);
        TapTensor(tap.SingleToSingle);
    }

    /// <summary>Keeps memory from being given back while a kernel reads it.</summary>
    public static void KeepAlive(Tensor a, Tensor b, Tensor c = default, Tensor d = default, Tensor e = default)
    {
        GC.KeepAlive(a.Buffer);
        GC.KeepAlive(b.Buffer);
        GC.KeepAlive(c.Buffer);
        GC.KeepAlive(d.Buffer);
        GC.KeepAlive(e.Buffer);
    }

    private static void TapTensor(Tensor x)
    {
        if (!x.IsEmpty)
        {
            CpuBackend.Pointer(x);
        }
    }

    private static CpuWeight Own(Weight weight, string name) => weight as CpuWeight
        ?? throw new ArgumentException($"{name} is a {weight.GetType().Name}; expected a weight that this backend loaded", name);
}
