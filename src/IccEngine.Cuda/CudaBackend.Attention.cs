using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What reads and writes the KV cache.</summary>
public sealed unsafe partial class CudaBackend
{
    private readonly List<int> _slotValues = [];

    /// <inheritdoc/>
    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences)
    {
        var paged = Owned.Cache(cache, layer, _context);
        Expect.Rotation(query, key, value, cos, sin, cache.Shape, sequences);
        using var turn = Enter();
        paged.Take(sequences);
        var (rows, heads) = (query.Shape[0], query.Shape[1]);
        var (kvHeads, headDim, pageTokens) = (cache.Shape.KvHeads, cache.Shape.HeadDim, cache.Shape.PageTokens);
        var (q, k, v) = (Address(query), Address(key), value.IsEmpty ? 0 : Address(value));
        var (c, s, slots) = (Address(cos), Address(sin), Slots(rows, pageTokens, sequences));
        var (keys, values) = (paged.Keys(layer), paged.Values(layer));
        var parameters = stackalloc void*[]
        {
            &q, &k, &v, &c, &s, &slots, &keys, &values, &heads, &kvHeads, &headDim, &pageTokens,
        };
        _context.Launch(_kernels.Attention.RotateAndStore(paged.Elements), rows, 1, 1, Threads, parameters);
        KeepAlive(query, key);
        KeepAlive(cos, sin);
        GC.KeepAlive(value.Buffer);
        GC.KeepAlive(cache);
    }

    /// <inheritdoc/>
    public void Attention(in AttentionCall call)
    {
        var paged = Owned.Cache(call.Cache, call.Layer, _context);
        Expect.Attention(call);
        if (!call.Output.IsEmpty)
        {
            Expect.Shape(call.Output, call.Query.Shape, nameof(call.Output));
        }
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            if (sequence.Tap is { } tap)
            {
                Expect.Tap(tap, call.Query.Shape[1]);
            }
        }
        using var turn = Enter();
        paged.Take(call.Sequences.Span);
        _attention.Run(call);
        KeepAlive(call.Query, call.Output);
        GC.KeepAlive(call.Cache);
    }

    /// <inheritdoc/>
    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        var paged = Owned.Cache(call.Cache, call.Layer, _context);
        Expect.Attention(call);
        Expect.Probabilities(call, sequence, head, firstRow, probabilities);
        using var turn = Enter();
        paged.Take(call.Sequences.Span);
        _attention.Probabilities(call, sequence, head, firstRow, probabilities);
        KeepAlive(call.Query, probabilities);
        GC.KeepAlive(call.Cache);
    }

    /// <summary>Sums and room that taps may take at a time, in elements; at least what one KV head and one block need.</summary>
    internal void LimitTaps(long sums, long room) => (_attention.MostSums, _attention.MostRoom) = (sums, room);

    /// <summary>Where each row goes in the cache: page * pageTokens + place in it, or -1.</summary>
    private ulong Slots(int rows, int pageTokens, ReadOnlySpan<SequenceRows> sequences)
    {
        _slotValues.Clear();
        for (var row = 0; row < rows; row++)
        {
            _slotValues.Add(-1);
        }
        foreach (ref readonly var sequence in sequences)
        {
            var pages = sequence.Pages.Span;
            for (var r = 0; r < sequence.RowCount; r++)
            {
                var position = sequence.Start + r;
                _slotValues[sequence.FirstRow + r] = checked(pages[position / pageTokens] * pageTokens + position % pageTokens);
            }
        }
        return _slots.Put(CollectionsMarshal.AsSpan(_slotValues));
    }
}
