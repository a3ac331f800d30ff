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

    /// <summary>Likewise in a type of the caller's choice: F32 or F64, for <see cref="Clear"/>, copies and the operations on affinities.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    Tensor Allocate(Shape shape, DType dtype);

    /// <summary>Hands over a parameter (F32, BF16, F16 or F64). The source stays mapped as long as the weight is used.</summary>
    /// <param name="source">The parameter.</param>
    /// <param name="format">How a matrix is held; a vector stays as it is.</param>
    /// <exception cref="IccUnsupportedException">
    /// The element type is not one of these; or a matrix cannot be held so: float64, or a number in it that is not finite or too large.
    /// </exception>
    Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored);

    /// <summary>A KV cache; memory is taken as pages are first written.</summary>
    KvCache CreateKvCache(KvShape shape);

    /// <summary>Copies the keys and values of a page to another one, in every layer: sequences that part need pages of their own.</summary>
    void CopyPage(KvCache cache, int from, int to);

    /// <summary>Sets all elements to zero.</summary>
    void Clear(Tensor x);

    /// <summary>Copies from the host; float64 sources are rounded where the tensor is F32.</summary>
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

    /// <summary>
    /// Chooses a token for every row: the likeliest one, or one drawn (see <see cref="SamplingOptions"/>). NaN counts as minus infinity.
    /// Equal logits and equal numbers give equal tokens on every device.
    /// </summary>
    /// <param name="logits">[rows, vocab]</param>
    /// <param name="allowed">Tokens that may be chosen.</param>
    /// <param name="options">How.</param>
    /// <param name="uniforms">[rows], one number in [0, 1) for each row: the place in the distribution, in the order of the ids; unused where greedy.</param>
    /// <param name="chosen">[rows]</param>
    /// <param name="logProbabilities">
    /// [rows], natural logarithms of the softmax over the allowed tokens at temperature 1, whatever the options; or empty.
    /// </param>
    void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities);

    /// <summary>Natural logarithms of the softmax of some tokens.</summary>
    /// <param name="logits">[rows, vocab]</param>
    /// <param name="ids">The tokens, at least one for each row.</param>
    /// <param name="amongIds">Whether the probabilities of a row's ids sum to 1, or those of the whole vocabulary.</param>
    /// <param name="logProbabilities">[rows, ids], or as many as there are ids where each row has its own.</param>
    void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities);

    /// <summary>
    /// For every point the nearest centre of each of some sets, the first of equals, and the squared Euclidean distance to it: the
    /// assignments of k-means, of all starts at once. Distances are summed up in the order of the coordinates, every product rounded, so that
    /// all backends give the same bits.
    /// </summary>
    /// <param name="points">[d, n], F64, finite: a row a coordinate, so that points lie side by side</param>
    /// <param name="centres">[sets, k, d], F64, finite</param>
    /// <param name="labels">[sets, n], each below k</param>
    /// <param name="squared">[sets, n]</param>
    void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared);

    /// <summary>
    /// Adds the affinity between the points of one prompt to the sums over several. In the paper's form only the strict lower triangle of
    /// the pooled attention is read: row j is divided by (its sum + 1e-7) and multiplied by j (0-based), so that an entry is the attention
    /// relative to looking at all earlier points alike; of whole rows all but the diagonal is read, and s - 1 stands for j. Where the power
    /// mean is wanted, the fourth roots of these are added. What is not finite stays so.
    /// </summary>
    /// <param name="pooled">[s, s], mean attention from the j-th point of the prompt (row) to the i-th (column); F32, or F64 where sums are.</param>
    /// <param name="order">[s], which point stands where in the prompt: all different, each below n.</param>
    /// <param name="sums">[n, n], F32 or F64: below the diagonal affinities are added, above it 1 for each meeting of the pair.</param>
    /// <param name="form">What is read, and how it is made an affinity.</param>
    void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form);

    /// <summary>Turns the sums of <see cref="AddAffinity"/> into means, in place: symmetric, 0 for pairs that never met and on the diagonal.</summary>
    /// <param name="sums">[n, n], F32 or F64</param>
    /// <param name="form">That with which they were added: it says which mean.</param>
    void MeanAffinity(Tensor sums, AffinityForm form);

    /// <summary>For every point the smallest label unlike its own among its neighbours, or -1: a round of a search for components.</summary>
    /// <param name="affinity">[n, n], F32 or F64; an entry that is not 0 makes neighbours</param>
    /// <param name="labels">[n], none negative</param>
    /// <param name="others">[n]</param>
    void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others);

    /// <summary>affinity[i, j] /= rootDegrees[i] rootDegrees[j]: the normalised Laplacian is the identity minus this (scikit-learn).</summary>
    /// <param name="affinity">[n, n], F32 or F64, symmetric; stays so to the bit</param>
    /// <param name="rootDegrees">[n], of the same type, positive</param>
    void NormaliseAffinity(Tensor affinity, Tensor rootDegrees);

    /// <summary>y = A x.</summary>
    /// <param name="a">[n, n], F32 or F64, symmetric: only one half of it may be read</param>
    /// <param name="x">[n], of the same type</param>
    /// <param name="y">[n], of the same type; not x</param>
    void SymmetricProduct(Tensor a, Tensor x, Tensor y);

    /// <summary>
    /// Removes from w its parts along orthonormal rows, and again at least where the first pass of Gram and Schmidt took most of w and so left
    /// rounding behind, and divides what is left by its norm; nothing stays nothing.
    /// </summary>
    /// <param name="basis">[m, n], F32 or F64; m may be 0</param>
    /// <param name="w">[n], of the same type; not a row of the basis</param>
    /// <param name="parts">[m], what the first pass found: row r times w</param>
    /// <returns>The norm of what was left.</returns>
    double Orthonormalise(Tensor basis, Tensor w, Span<double> parts);
}
