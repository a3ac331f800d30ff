using System.Runtime.CompilerServices;

namespace IccEngine.Core;

/// <summary>What a caller of a backend may get wrong: shapes, rows and pages.</summary>
internal static class Expect
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

    /// <summary>A page of a cache.</summary>
    public static void Page(KvCache cache, int page, string name) =>
        That((uint)page < (uint)cache.Shape.Pages, name, page, $"a page of {cache.Shape}");

    /// <summary>The query, mask and sequences of an attention call.</summary>
    public static void Attention(in AttentionCall call)
    {
        var (kvHeads, headDim) = (call.Cache.Shape.KvHeads, call.Cache.Shape.HeadDim);
        var query = call.Query.Shape;
        That(query.Rank == 3 && query[2] == headDim && query[1] > 0 && query[1] % kvHeads == 0, nameof(call.Query), query, call.Cache.Shape);
        That(call.Mask.Window is null or > 0 && (call.Mask.Causal || call.Mask.Window is null), nameof(call.Mask), call.Mask, "a causal window");
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            Sequence(sequence, query[0], call.Cache.Shape);
        }
    }

    /// <summary>The tensors of a rotation and of the rows that go to the cache.</summary>
    public static void Rotation(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, in KvShape cache, ReadOnlySpan<SequenceRows> sequences)
    {
        var headDim = cache.HeadDim;
        That(query.Shape.Rank == 3 && query.Shape[2] == headDim, nameof(query), query.Shape, $"heads of {headDim}");
        That(headDim % 2 == 0, nameof(cache), headDim, "heads of an even number of elements");
        var rows = query.Shape[0];
        Shape(key, new Shape(rows, cache.KvHeads, headDim), nameof(key));
        if (!value.IsEmpty)
        {
            Shape(value, new Shape(rows, cache.KvHeads, headDim), nameof(value));
        }
        Shape(cos, new Shape(rows, headDim / 2), nameof(cos));
        Shape(sin, new Shape(rows, headDim / 2), nameof(sin));
        foreach (ref readonly var sequence in sequences)
        {
            Sequence(sequence, rows, cache);
        }
    }

    /// <summary>A tile of attention probabilities.</summary>
    public static void Probabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        That(sequence >= 0 && sequence < call.Sequences.Length, nameof(sequence), sequence, $"below {call.Sequences.Length}");
        That(head >= 0 && head < call.Query.Shape[1], nameof(head), head, $"below {call.Query.Shape[1]}");
        ref readonly var rows = ref call.Sequences.Span[sequence];
        var shape = probabilities.Shape;
        That(shape.Rank == 2 && shape[1] >= rows.Length, nameof(probabilities), shape, $"rows of at least {rows.Length}");
        That(firstRow >= 0 && firstRow <= rows.RowCount - shape[0], nameof(firstRow), firstRow, $"{shape[0]} of {rows.RowCount} rows");
    }

    /// <summary>The sizes of a tap's tensors.</summary>
    public static void Tap(AttentionTap tap, int heads)
    {
        long planes = tap.PerHead ? heads : 1;
        TapTensor(tap.SpanToSpan, planes * tap.Spans.Length * tap.Spans.Length, nameof(tap.SpanToSpan));
        TapTensor(tap.SingleToSpan, planes * tap.Singles.Length * tap.Spans.Length, nameof(tap.SingleToSpan));
        TapTensor(tap.SingleToSingle, planes * tap.Singles.Length * tap.Singles.Length, nameof(tap.SingleToSingle));
    }

    private static void TapTensor(Tensor x, long elements, string name) => That(x.IsEmpty || x.Shape.Elements == elements, name, x.IsEmpty ? default : x.Shape, elements);
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
