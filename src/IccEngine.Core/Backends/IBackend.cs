namespace IccEngine.Core;

/// <summary>
/// The seam between the models and a device: coarse operations on tensors that the backend owns. The naive twin that explains each of
/// them is <see cref="ReferenceBackend{T}"/>. Outputs are given by the caller, so that nothing is allocated on the way of a token.
/// <para>
/// Thread safety: any number of threads may call one backend as long as no two write the same tensor or the same page of a cache.
/// Equal calls give equal bits.
/// </para>
/// Shapes that do not fit are errors of the caller (<see cref="ArgumentException"/>); what a user can cause is checked above the seam.
/// </summary>
public interface IBackend : IDisposable
{
    /// <summary>What computes, for people: device, instruction set, threads.</summary>
    string Description { get; }

    /// <summary>Element type of activations, KV cache and taps: F32 or F64.</summary>
    DType ActivationType { get; }

    /// <summary>New zeroed memory in the activation type, seen under <paramref name="shape"/>; dispose its buffer to give it back.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    Tensor Allocate(Shape shape);

    /// <summary>Hands over a parameter (F32, BF16, F16 or F64). The source stays mapped as long as the weight is used.</summary>
    /// <exception cref="IccUnsupportedException">The element type is not one of these.</exception>
    Weight LoadWeight(HostTensor source);

    /// <summary>A KV cache; on the host, memory is taken as pages are first written.</summary>
    KvCache CreateKvCache(KvShape shape);

    /// <summary>Sets all elements to zero.</summary>
    void Clear(Tensor x);

    /// <summary>Copies from the host; float64 sources are rounded where the activation type is F32.</summary>
    void Write(ReadOnlySpan<double> source, Tensor destination);

    /// <inheritdoc cref="Write(ReadOnlySpan{double}, Tensor)"/>
    void Write(ReadOnlySpan<float> source, Tensor destination);

    /// <summary>Copies to the host.</summary>
    void Read(Tensor source, Span<float> destination);

    /// <inheritdoc cref="Read(Tensor, Span{float})"/>
    void Read(Tensor source, Span<double> destination);

    /// <summary>y[t] = table[ids[t]].</summary>
    /// <param name="table">[vocab, hidden]</param>
    /// <param name="ids">[tokens], each below vocab</param>
    /// <param name="y">[tokens, hidden]</param>
    void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y);

    /// <summary>y = weight * x / sqrt(mean(x^2) + eps) over the last dimension (Zhang and Sennrich 2019); y may be x.</summary>
    /// <param name="x">[.., n]</param>
    /// <param name="weight">[n]</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <param name="y">As x.</param>
    void RmsNorm(Tensor x, Weight weight, float eps, Tensor y);

    /// <summary>y = scale * (x weight^T) + bias, or the same added to y.</summary>
    /// <param name="x">[tokens, in]</param>
    /// <param name="weight">[out, in]</param>
    /// <param name="bias">[out], or null</param>
    /// <param name="y">[tokens, out]; not x</param>
    /// <param name="scale">Factor of the product (not of the bias).</param>
    /// <param name="accumulate">Add to y instead of replacing it.</param>
    void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false);

    /// <summary>
    /// Rotary embedding of queries and keys, in place, and the write of keys and values to their pages. Pairs are (i, i + headDim/2):
    /// x'[i] = x[i] cos[i] - x[i + headDim/2] sin[i], x'[i + headDim/2] = x[i + headDim/2] cos[i] + x[i] sin[i].
    /// </summary>
    /// <param name="query">[rows, heads, headDim], rotated in place</param>
    /// <param name="key">[rows, kvHeads, headDim], rotated in place</param>
    /// <param name="value">[rows, kvHeads, headDim]; empty where no value of these rows will ever be read</param>
    /// <param name="cos">[rows, headDim / 2]</param>
    /// <param name="sin">[rows, headDim / 2]</param>
    /// <param name="cache">Where keys and values go.</param>
    /// <param name="layer">Layer of the cache.</param>
    /// <param name="sequences">Rows and pages of every sequence.</param>
    void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences);

    /// <summary>
    /// Softmax attention with taps (see <see cref="AttentionTap"/>), streaming: no tokens x tokens map is ever held.
    /// </summary>
    void Attention(in AttentionCall call);

    /// <summary>
    /// The attention probabilities themselves, for a tile of query rows of one sequence and one head; for inspection.
    /// </summary>
    /// <param name="call">As for <see cref="Attention"/>; output and taps are not looked at.</param>
    /// <param name="sequence">Index into the call's sequences.</param>
    /// <param name="head">Query head.</param>
    /// <param name="firstRow">First row of the tile, counted from the sequence's first row.</param>
    /// <param name="probabilities">[rows of the tile, at least Length of the sequence]; columns beyond what a row sees become 0</param>
    void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities);

    /// <summary>y = silu(gate) * up, silu(x) = x / (1 + exp(-x)) (SwiGLU, Shazeer 2020); y may be gate.</summary>
    void SiluMultiply(Tensor gate, Tensor up, Tensor y);

    /// <summary>For every row the index of its largest element among <paramref name="allowed"/>, the first of equals.</summary>
    /// <param name="logits">[rows, vocab]</param>
    /// <param name="allowed">Indices that may win, ascending; empty: all.</param>
    /// <param name="best">[rows]</param>
    void ArgMax(Tensor logits, ReadOnlySpan<int> allowed, Span<int> best);
}
