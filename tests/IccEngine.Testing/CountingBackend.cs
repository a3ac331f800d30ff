using IccEngine.Core;

namespace IccEngine.Testing;

/// <summary>A backend that counts what is asked of another one: elements allocated and read, assignments, pages of caches.</summary>
public class CountingBackend(IBackend inner) : IBackend
{
    /// <summary>Elements that were allocated.</summary>
    public long Elements { get; private set; }

    /// <summary>Elements that were copied to the host.</summary>
    public long ElementsRead { get; private set; }

    /// <summary>Tokens that went through a model.</summary>
    public long TokensEmbedded { get; private set; }

    /// <summary>Times that points were assigned to centres.</summary>
    public int Assignments { get; private set; }

    /// <summary>The caches that were made.</summary>
    public List<KvShape> Caches { get; } = [];

    public string Description => inner.Description;

    public DType ActivationType => inner.ActivationType;

    public Tensor Allocate(Shape shape)
    {
        Elements += shape.Elements;
        return inner.Allocate(shape);
    }

    public Tensor Allocate(Shape shape, DType dtype)
    {
        Elements += shape.Elements;
        return inner.Allocate(shape, dtype);
    }

    public KvCache CreateKvCache(KvShape shape)
    {
        Caches.Add(shape);
        return inner.CreateKvCache(shape);
    }

    public virtual Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored) => inner.LoadWeight(source, format);

    public void Clear(Tensor x) => inner.Clear(x);

    public void Write(ReadOnlySpan<double> source, Tensor destination) => inner.Write(source, destination);

    public void Write(ReadOnlySpan<float> source, Tensor destination) => inner.Write(source, destination);

    public void Read(Tensor source, Span<float> destination)
    {
        ElementsRead += destination.Length;
        inner.Read(source, destination);
    }

    public void Read(Tensor source, Span<double> destination)
    {
        ElementsRead += destination.Length;
        inner.Read(source, destination);
    }

    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        TokensEmbedded += ids.Length;
        inner.Embed(table, ids, y);
    }

    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y) => inner.RmsNorm(x, weight, eps, y);

    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false) =>
        inner.Linear(x, weight, bias, y, scale, accumulate);

    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences) =>
        inner.RotateAndStore(query, key, value, cos, sin, cache, layer, sequences);

    public void Attention(in AttentionCall call) => inner.Attention(call);

    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities) =>
        inner.AttentionProbabilities(call, sequence, head, firstRow, probabilities);

    public void SiluMultiply(Tensor gate, Tensor up, Tensor y) => inner.SiluMultiply(gate, up, y);

    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities) =>
        inner.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);

    public void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities) =>
        inner.LogProbabilities(logits, ids, amongIds, logProbabilities);

    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        Assignments++;
        inner.NearestCentre(points, centres, labels, squared);
    }

    public void CopyPage(KvCache cache, int from, int to) => inner.CopyPage(cache, from, to);

    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form) =>
        inner.AddAffinity(pooled, order, sums, form);

    public void MeanAffinity(Tensor sums, AffinityForm form) => inner.MeanAffinity(sums, form);

    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others) => inner.NeighbourLabels(affinity, labels, others);

    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees) => inner.NormaliseAffinity(affinity, rootDegrees);

    public void SymmetricProduct(Tensor a, Tensor x, Tensor y) => inner.SymmetricProduct(a, x, y);

    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts) => inner.Orthonormalise(basis, w, parts);

    public void Dispose() => inner.Dispose();
}
