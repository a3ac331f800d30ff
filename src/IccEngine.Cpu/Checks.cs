using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>What a caller may get wrong: shapes, pages, objects of another backend.</summary>
internal static unsafe class Checks
{
    /// <summary>Throws where a condition does not hold; nothing is formatted where it does.</summary>
    /// <exception cref="ArgumentException">It does not hold.</exception>
    public static void That<TFound, TExpected>(bool holds, string name, TFound found, TExpected expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {found}; expected {expected}", name);
        }
    }

    /// <inheritdoc cref="That{TFound, TExpected}"/>
    public static void That<TFound>(
        bool holds, string name, TFound found, [InterpolatedStringHandlerArgument(nameof(holds))] ref ExpectedText expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {found}; expected {expected.ToText()}", name);
        }
    }

    /// <summary>The shape of a tensor.</summary>
    public static void Shape(Tensor x, Shape expected, string name) => That(!x.IsEmpty && x.Shape == expected, name, x.Shape, expected);

    /// <summary>A weight [out, in].</summary>
    public static CpuWeight Matrix(Weight weight, string name)
    {
        That(weight.Shape.Rank == 2, name, weight.Shape, "two dimensions");
        return Own(weight, name);
    }

    /// <summary>A weight [n], which is float32 in memory.</summary>
    public static CpuWeight Vector(Weight weight, string name)
    {
        That(weight.Shape.Rank == 1, name, weight.Shape, "one dimension");
        return Own(weight, name);
    }

    /// <summary>A cache of this backend that has the layer.</summary>
    public static CpuKvCache Cache(KvCache cache, int layer)
    {
        if (cache is not CpuKvCache own)
        {
            throw new ArgumentException($"cache is a {cache.GetType().Name}; expected one that this backend made", nameof(cache));
        }
        That(layer >= 0 && layer < cache.Shape.Layers, nameof(layer), layer, cache.Shape);
        return own;
    }

    /// <summary>Rows inside the batch, pages inside the cache.</summary>
    public static void Sequence(in SequenceRows sequence, int rows, in KvShape cache)
    {
        var (first, count, start) = (sequence.FirstRow, sequence.RowCount, sequence.Start);
        if (first < 0 || count < 1 || first > rows - count || start < 0 || start > int.MaxValue - count)
        {
            throw new ArgumentException($"a sequence has rows {first} + {count} at {start}; expected at least one row, inside {rows}");
        }
        var pages = sequence.Pages.Span;
        var needed = (int)(((long)sequence.Length + cache.PageTokens - 1) / cache.PageTokens);
        That(pages.Length >= needed, nameof(sequence.Pages), pages.Length, needed);
        foreach (var page in pages[..needed])
        {
            That((uint)page < (uint)cache.Pages, nameof(sequence.Pages), page, cache.Pages);
        }
    }

    /// <summary>All of an attention call but its output and taps.</summary>
    public static AttentionWork Attention(in AttentionCall call)
    {
        var cache = Cache(call.Cache, call.Layer);
        var (kvHeads, headDim) = (cache.Shape.KvHeads, cache.Shape.HeadDim);
        var query = call.Query.Shape;
        That(query.Rank == 3 && query[2] == headDim && query[1] > 0 && query[1] % kvHeads == 0, nameof(call.Query), query, cache.Shape);
        That(call.Mask.Window is null or > 0 && (call.Mask.Causal || call.Mask.Window is null), nameof(call.Mask), call.Mask, "a causal window");
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            Sequence(sequence, query[0], cache.Shape);
        }
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
        long planes = tap.PerHead ? heads : 1;
        TapTensor(tap.SpanToSpan, planes * tap.Spans.Length * tap.Spans.Length, nameof(tap.SpanToSpan));
        TapTensor(tap.SingleToSpan, planes * tap.Singles.Length * tap.Spans.Length, nameof(tap.SingleToSpan));
        TapTensor(tap.SingleToSingle, planes * tap.Singles.Length * tap.Singles.Length, nameof(tap.SingleToSingle));
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

    private static void TapTensor(Tensor x, long elements, string name)
    {
        if (!x.IsEmpty)
        {
            That(x.Shape.Elements == elements, name, x.Shape, elements);
            CpuBackend.Pointer(x);
        }
    }

    private static CpuWeight Own(Weight weight, string name) => weight as CpuWeight
        ?? throw new ArgumentException($"{name} is a {weight.GetType().Name}; expected a weight that this backend loaded", name);
}

/// <summary>An interpolated text that is put together only where the check failed, so that checking allocates nothing.</summary>
[InterpolatedStringHandler]
internal ref struct ExpectedText
{
    private DefaultInterpolatedStringHandler _text;

    public ExpectedText(int literalLength, int formattedCount, bool holds, out bool isNeeded)
    {
        isNeeded = !holds;
        _text = isNeeded ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public string ToText() => _text.ToStringAndClear();
}
