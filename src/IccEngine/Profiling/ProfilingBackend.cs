using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine;

/// <summary>
/// A backend that hands everything on to another one and records what it was and how long it took. Without it nothing is recorded, and
/// nothing costs. Layers are known from the names of weights and from the calls that carry one; what has neither belongs to the layer
/// before. On a device that does not wait for its work, every recorded operation is waited for. One thread at a time.
/// </summary>
/// <param name="inner">What computes; not disposed with this.</param>
/// <param name="waits">Whether an operation of <paramref name="inner"/> is done when its call returns.</param>
internal sealed class ProfilingBackend(IBackend inner, bool waits) : IBackend
{
    private readonly List<ProfileEvent> _events = [];
    private readonly Dictionary<Weight, ProfileNames.Place> _places = [];
    private readonly Dictionary<string, (long Bytes, int Count)> _memory = [];
    private readonly float[] _one = new float[1];
    private long _zero = Stopwatch.GetTimestamp();
    private int? _layer;

    /// <summary>What was recorded since the last <see cref="Restart"/>.</summary>
    public IReadOnlyList<ProfileEvent> Events => _events;

    /// <summary>All memory that was taken.</summary>
    public IReadOnlyList<ProfileMemory> Memory => [.. _memory.Select(m => new ProfileMemory(m.Key, m.Value.Bytes, m.Value.Count))];

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <inheritdoc/>
    public DType ActivationType => inner.ActivationType;

    /// <summary>Forgets the events and begins to count time anew.</summary>
    public void Restart()
    {
        _events.Clear();
        _layer = null;
        _zero = Stopwatch.GetTimestamp();
    }

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape) => Allocate(shape, inner.ActivationType);

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape, DType dtype)
    {
        var tensor = inner.Allocate(shape, dtype);
        AddMemory("activations and taps", Bytes(tensor));
        return tensor;
    }

    /// <inheritdoc/>
    public Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored)
    {
        var weight = inner.LoadWeight(source, format);
        AddMemory("weights", weight.Bytes);
        return weight;
    }

    /// <inheritdoc/>
    public KvCache CreateKvCache(KvShape shape)
    {
        var elements = inner is CudaBackend cuda ? cuda.ComputeType : inner.ActivationType;
        AddMemory("kv cache", elements.Bytes(2L * shape.Layers * shape.KvHeads * shape.HeadDim * shape.PageTokens * shape.Pages));
        return inner.CreateKvCache(shape);
    }

    /// <inheritdoc/>
    public void Clear(Tensor x)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Clear(x);
        Record("clear", start, x, 0, Bytes(x));
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<double> source, Tensor destination)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Write(source, destination);
        Record("write", start, destination, 0, Bytes(destination));
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> source, Tensor destination)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Write(source, destination);
        Record("write", start, destination, 0, Bytes(destination));
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Read(source, destination);
        Record("read", start, default, 0, Bytes(source));
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<double> destination)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Read(source, destination);
        Record("read", start, default, 0, Bytes(source));
    }

    /// <inheritdoc/>
    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Embed(table, ids, y);
        Record(table, null, start, y, 0, 2 * Bytes(y));
    }

    /// <inheritdoc/>
    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.RmsNorm(x, weight, eps, y);
        Record(weight, null, start, y, 4.0 * x.Shape.Elements, Bytes(x) + Bytes(y) + Bytes(weight));
    }

    /// <inheritdoc/>
    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Linear(x, weight, bias, y, scale, accumulate);
        var operation = weight.Name == ProfileNames.Embedding ? ProfileNames.Head : null; // tied: one table serves both ends
        Record(weight, operation, start, y, 2.0 * x.Shape[0] * weight.Shape.Elements, Bytes(x) + Bytes(weight) + (accumulate ? 2 : 1) * Bytes(y));
    }

    /// <inheritdoc/>
    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences)
    {
        var start = Stopwatch.GetTimestamp();
        inner.RotateAndStore(query, key, value, cos, sin, cache, layer, sequences);
        _layer = layer;
        Record("rotate_and_store", start, query, 0, 2 * Bytes(query) + 3 * Bytes(key) + 2 * Bytes(value) + Bytes(cos) + Bytes(sin));
    }

    /// <inheritdoc/>
    public void Attention(in AttentionCall call)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Attention(call);
        _layer = call.Layer;
        var (pairs, keys, tap) = Extent(call);
        var perKey = (call.Output.IsEmpty ? 1 : 2) * call.Cache.Shape.KvHeads * call.Cache.Shape.HeadDim;
        var flops = (call.Output.IsEmpty ? 2.0 : 4.0) * pairs * call.Query.Shape[1] * call.Query.Shape[2];
        Record(tap.IsEmpty ? "attention" : "attention with taps", start, call.Output.IsEmpty ? tap : call.Output, flops,
            Bytes(call.Query) + Bytes(call.Output) + inner.ActivationType.Bytes(keys * perKey));
    }

    /// <inheritdoc/>
    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        var start = Stopwatch.GetTimestamp();
        inner.AttentionProbabilities(call, sequence, head, firstRow, probabilities);
        _layer = call.Layer;
        Record("attention_probabilities", start, probabilities, 2.0 * probabilities.Shape.Elements * call.Query.Shape[2], Bytes(probabilities));
    }

    /// <inheritdoc/>
    public void SiluMultiply(Tensor gate, Tensor up, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.SiluMultiply(gate, up, y);
        Record("silu_multiply", start, y, 0, Bytes(gate) + Bytes(up) + Bytes(y));
    }

    /// <inheritdoc/>
    public void CopyPage(KvCache cache, int from, int to)
    {
        var start = Stopwatch.GetTimestamp();
        inner.CopyPage(cache, from, to);
        var shape = cache.Shape;
        Record("copy_page", start, default, 0, inner.ActivationType.Bytes(4L * shape.Layers * shape.KvHeads * shape.HeadDim * shape.PageTokens));
    }

    /// <inheritdoc/>
    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        var start = Stopwatch.GetTimestamp();
        inner.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);
        Record("sample", start, default, 0, Bytes(logits));
    }

    /// <inheritdoc/>
    public void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities)
    {
        var start = Stopwatch.GetTimestamp();
        inner.LogProbabilities(logits, ids, amongIds, logProbabilities);
        Record("log_probabilities", start, default, 0, Bytes(logits));
    }

    /// <inheritdoc/>
    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        var start = Stopwatch.GetTimestamp();
        inner.NearestCentre(points, centres, labels, squared);
        Record("nearest_centre", start, default, 3.0 * points.Shape[1] * centres.Shape.Elements, Bytes(points) + Bytes(centres));
    }

    /// <inheritdoc/>
    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form)
    {
        var start = Stopwatch.GetTimestamp();
        inner.AddAffinity(pooled, order, sums, form);
        Record("add_affinity", start, sums, 0, Bytes(pooled) + Bytes(sums));
    }

    /// <inheritdoc/>
    public void MeanAffinity(Tensor sums, AffinityForm form)
    {
        var start = Stopwatch.GetTimestamp();
        inner.MeanAffinity(sums, form);
        Record("mean_affinity", start, sums, 0, 2 * Bytes(sums));
    }

    /// <inheritdoc/>
    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        var start = Stopwatch.GetTimestamp();
        inner.NeighbourLabels(affinity, labels, others);
        Record("neighbour_labels", start, default, 0, Bytes(affinity));
    }

    /// <inheritdoc/>
    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees)
    {
        var start = Stopwatch.GetTimestamp();
        inner.NormaliseAffinity(affinity, rootDegrees);
        Record("normalise_affinity", start, affinity, 0, 2 * Bytes(affinity));
    }

    /// <inheritdoc/>
    public void SymmetricProduct(Tensor a, Tensor x, Tensor y)
    {
        var start = Stopwatch.GetTimestamp();
        inner.SymmetricProduct(a, x, y);
        Record("symmetric_product", start, y, 2.0 * a.Shape.Elements, Bytes(a) + Bytes(x) + Bytes(y));
    }

    /// <inheritdoc/>
    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        var start = Stopwatch.GetTimestamp();
        var norm = inner.Orthonormalise(basis, w, parts);
        Record("orthonormalise", start, default, basis.IsEmpty ? 0 : 8.0 * basis.Shape.Elements, Bytes(basis) + Bytes(w));
        return norm;
    }

    /// <summary>Nothing: the other backend is its maker's.</summary>
    public void Dispose() => _events.Clear();

    private void Record(Weight weight, string? operation, long start, Tensor result, double flops, long bytes)
    {
        if (!_places.TryGetValue(weight, out var place))
        {
            _places[weight] = place = ProfileNames.Parse(weight.Name);
        }
        _layer = place.Layer;
        Record(operation ?? place.Operation, start, result, flops, bytes);
    }

    private void Record(string operation, long start, Tensor result, double flops, long bytes)
    {
        if (!waits && !result.IsEmpty)
        {
            inner.Read(new Tensor(result.Buffer, result.Offset, new Shape(1)), _one);
        }
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _events.Add(new ProfileEvent(operation, _layer, Stopwatch.GetElapsedTime(_zero, start).TotalSeconds, seconds, flops, bytes));
    }

    private void AddMemory(string name, long bytes)
    {
        var (sum, count) = _memory.GetValueOrDefault(name);
        _memory[name] = (sum + bytes, count + 1);
    }

    private static long Bytes(Tensor x) => x.IsEmpty ? 0 : x.DType.Bytes(x.Shape.Elements);

    private static long Bytes(Weight weight) => weight.Bytes;

    /// <summary>Pairs of a query and a key it sees, keys that are read, and a tensor that the taps write, if any.</summary>
    private static (double Pairs, long Keys, Tensor Tap) Extent(in AttentionCall call)
    {
        var (pairs, keys, tap) = (0.0, 0L, default(Tensor));
        foreach (var s in call.Sequences.Span)
        {
            for (var position = s.Start; position < s.Length; position++)
            {
                pairs += call.Mask.EndKey(position, s.Length) - call.Mask.FirstKey(position);
            }
            keys += s.Length - call.Mask.FirstKey(s.Start);
            if (s.Tap is { } found && tap.IsEmpty)
            {
                tap = !found.SpanToSpan.IsEmpty ? found.SpanToSpan : !found.SingleToSpan.IsEmpty ? found.SingleToSpan : found.SingleToSingle;
            }
        }
        return (pairs, keys, tap);
    }
}
