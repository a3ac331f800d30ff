using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>One decoder layer: x += o(attention(norm(x))), then x += down(silu(gate(norm(x))) * up(norm(x))).</summary>
internal sealed class DecoderLayer
{
    public required int Index { get; init; }

    public required Weight InputNorm { get; init; }

    public required LinearLayer Query { get; init; }

    public required LinearLayer Key { get; init; }

    public required LinearLayer Value { get; init; }

    public required LinearLayer Output { get; init; }

    /// <summary>RMSNorm of every query head before the rotation [headDim], in the families that have it.</summary>
    public Weight? QueryNorm { get; init; }

    /// <inheritdoc cref="QueryNorm"/>
    public Weight? KeyNorm { get; init; }

    public required Weight PostAttentionNorm { get; init; }

    public required LinearLayer Gate { get; init; }

    public required LinearLayer Up { get; init; }

    public required LinearLayer Down { get; init; }

    public required AttentionMask Mask { get; init; }

    /// <summary>Queries, keys and values of the batch; keys and values go to the cache.</summary>
    /// <param name="state">The batch; its hidden rows are read.</param>
    /// <param name="sequences">Rows and pages of every sequence.</param>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="withValues">False where nothing above the attention map of this layer is wanted.</param>
    /// <returns>The attention that is now ready to run; its output is empty without values.</returns>
    public AttentionCall Project(ForwardState state, ReadOnlyMemory<SequenceRows> sequences, int rows, bool withValues)
    {
        var (backend, config) = (state.Backend, state.Config);
        var normed = state.Normed.Rows(0, rows);
        var query = state.Query.Rows(0, rows); // [rows, heads, headDim]
        var key = state.Key.Rows(0, rows); // [rows, kvHeads, headDim]
        var value = withValues ? state.Value.Rows(0, rows) : default;
        backend.RmsNorm(state.Hidden.Rows(0, rows), InputNorm, (float)config.RmsNormEps, normed);
        Query.Forward(state, normed, Flat(query));
        Key.Forward(state, normed, Flat(key));
        if (withValues)
        {
            Value.Forward(state, normed, Flat(value));
        }
        if (QueryNorm is not null && KeyNorm is not null)
        {
            backend.RmsNorm(query, QueryNorm, (float)config.RmsNormEps, query);
            backend.RmsNorm(key, KeyNorm, (float)config.RmsNormEps, key);
        }
        backend.RotateAndStore(
            query, key, value, state.Cos.Rows(0, rows), state.Sin.Rows(0, rows), state.Cache, Index, sequences.Span);
        return new AttentionCall
        {
            Query = query,
            Cache = state.Cache,
            Layer = Index,
            Sequences = sequences,
            Mask = Mask,
            Scale = 1 / MathF.Sqrt(config.HeadDim),
            Output = withValues ? state.Attended.Rows(0, rows) : default,
        };
    }

    /// <summary>All that follows the attention, for a range of the batch's rows.</summary>
    public void Finish(ForwardState state, int first, int count)
    {
        var backend = state.Backend;
        var hidden = state.Hidden.Rows(first, count);
        var normed = state.Normed.Rows(first, count);
        var gate = state.Gate.Rows(first, count);
        var up = state.Up.Rows(first, count);
        Output.Forward(state, Flat(state.Attended.Rows(first, count)), hidden, first, accumulate: true);
        backend.RmsNorm(hidden, PostAttentionNorm, (float)state.Config.RmsNormEps, normed);
        Gate.Forward(state, normed, gate, first);
        Up.Forward(state, normed, up, first);
        backend.SiluMultiply(gate, up, gate);
        Down.Forward(state, gate, hidden, first, accumulate: true);
    }

    /// <summary>[rows, heads, headDim] seen as [rows, heads * headDim].</summary>
    private static Tensor Flat(Tensor x) => x.Reshape(new Shape(x.Shape[0], x.Shape[1] * x.Shape[2]));
}
