using System.Numerics;

namespace IccEngine.Core;

/// <summary>
/// Every operation of the seam in plain scalar loops with double accumulators: the text that explains what a backend does, and the
/// slow twin that fast code is compared with. <typeparamref name="T"/> is float or double; double serves finite differences.
/// </summary>
/// <typeparam name="T">Type of activations and cache: float or double.</typeparam>
public sealed unsafe class ReferenceBackend<T> : IBackend where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public string Description => $"reference ({ActivationType})";

    /// <inheritdoc/>
    public DType ActivationType { get; } =
        typeof(T) == typeof(float) ? DType.F32 : typeof(T) == typeof(double) ? DType.F64 : throw new NotSupportedException($"{typeof(T)}");

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape) => Allocate(shape, ActivationType);

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape, DType dtype)
    {
        ExpectAffinity.Real(dtype);
        return new Tensor(new HostBuffer(dtype, shape.Elements), 0, shape);
    }

    /// <inheritdoc/>
    public Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored) => ReferenceWeight<T>.Load(source, format);

    /// <inheritdoc/>
    public KvCache CreateKvCache(KvShape shape) => new ReferenceKvCache<T>(shape);

    /// <inheritdoc/>
    public void CopyPage(KvCache cache, int from, int to) => ((ReferenceKvCache<T>)cache).CopyPage(from, to);

    /// <inheritdoc/>
    public void Clear(Tensor x)
    {
        var y = new Reals(x, nameof(x));
        for (long i = 0; i < y.Length; i++)
        {
            y[i] = 0;
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<double> source, Tensor destination)
    {
        var y = new Reals(destination, nameof(destination));
        Require(source.Length == y.Length, "source", $"[{source.Length}]", destination.Shape);
        for (var i = 0; i < source.Length; i++)
        {
            y[i] = source[i];
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> source, Tensor destination)
    {
        var y = new Reals(destination, nameof(destination));
        Require(source.Length == y.Length, "source", $"[{source.Length}]", destination.Shape);
        for (var i = 0; i < source.Length; i++)
        {
            y[i] = source[i];
        }
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        var x = new Reals(source, nameof(source));
        Require(destination.Length == x.Length, "destination", $"[{destination.Length}]", source.Shape);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = (float)x[i];
        }
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<double> destination)
    {
        var x = new Reals(source, nameof(source));
        Require(destination.Length == x.Length, "destination", $"[{destination.Length}]", source.Shape);
        for (var i = 0; i < destination.Length; i++)
        {
            destination[i] = x[i];
        }
    }

    /// <inheritdoc/>
    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        var hidden = table.Shape[1];
        Require(y.Shape == new Shape(ids.Length, hidden), nameof(y), y.Shape, new Shape(ids.Length, hidden));
        var rows = Values(table);
        var outputs = Values(y);
        for (var t = 0; t < ids.Length; t++)
        {
            rows.Slice(ids[t] * hidden, hidden).CopyTo(outputs[(t * hidden)..]);
        }
    }

    /// <inheritdoc/>
    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y)
    {
        var n = weight.Shape[0];
        Require(x.Shape == y.Shape && x.Shape[x.Shape.Rank - 1] == n, nameof(x), x.Shape, weight.Shape);
        var inputs = Values(x);
        var w = Values(weight);
        var outputs = Values(y);
        for (var row = 0; row < inputs.Length; row += n)
        {
            var squares = 0.0;
            for (var i = 0; i < n; i++)
            {
                var value = double.CreateTruncating(inputs[row + i]);
                squares += value * value;
            }
            var inverse = 1 / Math.Sqrt(squares / n + eps);
            for (var i = 0; i < n; i++)
            {
                outputs[row + i] = T.CreateTruncating(double.CreateTruncating(inputs[row + i]) * inverse * double.CreateTruncating(w[i]));
            }
        }
    }

    /// <inheritdoc/>
    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false)
    {
        var (tokens, inputs, outputs) = (x.Shape[0], weight.Shape[1], weight.Shape[0]);
        Require(x.Shape == new Shape(tokens, inputs), nameof(x), x.Shape, weight.Shape);
        Require(y.Shape == new Shape(tokens, outputs), nameof(y), y.Shape, weight.Shape);
        var xs = Values(x);
        var w = Values(weight);
        ReadOnlySpan<T> b = bias is null ? default : Values(bias);
        var ys = Values(y);
        for (var t = 0; t < tokens; t++)
        {
            for (var o = 0; o < outputs; o++)
            {
                var sum = scale * Dot(xs.Slice(t * inputs, inputs), w.Slice(o * inputs, inputs));
                sum += bias is null ? 0 : double.CreateTruncating(b[o]);
                sum += accumulate ? double.CreateTruncating(ys[t * outputs + o]) : 0;
                ys[t * outputs + o] = T.CreateTruncating(sum);
            }
        }
    }

    /// <inheritdoc/>
    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences)
    {
        Rotate(query, cos, sin);
        Rotate(key, cos, sin);
        var k = Values(key);
        var v = value.IsEmpty ? default : Values(value);
        var width = cache.Shape.KvHeads * cache.Shape.HeadDim;
        foreach (var sequence in sequences)
        {
            for (var r = 0; r < sequence.RowCount; r++)
            {
                var row = (sequence.FirstRow + r) * width;
                for (var h = 0; h < cache.Shape.KvHeads; h++)
                {
                    var from = row + h * cache.Shape.HeadDim;
                    var kv = ((ReferenceKvCache<T>)cache).At(layer, sequence, sequence.Start + r, h);
                    k.Slice(from, cache.Shape.HeadDim).CopyTo(kv.Key);
                    if (!value.IsEmpty)
                    {
                        v.Slice(from, cache.Shape.HeadDim).CopyTo(kv.Value);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Attention(in AttentionCall call) => ReferenceAttention<T>.Run(call);

    /// <inheritdoc/>
    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        var (rows, columns) = (probabilities.Shape[0], probabilities.Shape[1]);
        var p = Values(probabilities);
        var row = new double[call.Sequences.Span[sequence].Length];
        for (var r = 0; r < rows; r++)
        {
            ReferenceAttention<T>.Probabilities(call, call.Sequences.Span[sequence], head, firstRow + r, row);
            for (var k = 0; k < columns; k++)
            {
                p[r * columns + k] = k < row.Length ? T.CreateTruncating(row[k]) : T.Zero;
            }
        }
    }

    /// <inheritdoc/>
    public void SiluMultiply(Tensor gate, Tensor up, Tensor y)
    {
        Require(gate.Shape == up.Shape && gate.Shape == y.Shape, nameof(gate), gate.Shape, up.Shape);
        var g = Values(gate);
        var u = Values(up);
        var ys = Values(y);
        for (var i = 0; i < g.Length; i++)
        {
            var x = double.CreateTruncating(g[i]);
            ys[i] = T.CreateTruncating(x / (1 + Math.Exp(-x)) * double.CreateTruncating(u[i]));
        }
    }

    /// <inheritdoc/>
    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities) =>
        ReferenceSampling.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);

    /// <inheritdoc/>
    public void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities) =>
        ReferenceSampling.LogProbabilities(logits, ids, amongIds, logProbabilities);

    /// <inheritdoc/>
    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared) =>
        ReferenceSampling.NearestCentre(points, centres, labels, squared);

    /// <inheritdoc/>
    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form) =>
        ReferenceAffinity.Add(pooled, order, sums, form);

    /// <inheritdoc/>
    public void MeanAffinity(Tensor sums, AffinityForm form) => ReferenceAffinity.Mean(sums, form);

    /// <inheritdoc/>
    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others) =>
        ReferenceAffinity.NeighbourLabels(affinity, labels, others);

    /// <inheritdoc/>
    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees) => ReferenceAffinity.Normalise(affinity, rootDegrees);

    /// <inheritdoc/>
    public void SymmetricProduct(Tensor a, Tensor x, Tensor y) => ReferenceAffinity.Product(a, x, y);

    /// <inheritdoc/>
    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts) => ReferenceAffinity.Orthonormalise(basis, w, parts);

    /// <summary>Nothing is held.</summary>
    public void Dispose() { }

    internal static Span<T> Values(Tensor x) => sizeof(T) * 8 == x.DType.Bits()
        ? new((T*)((HostBuffer)x.Buffer).Address + x.Offset, checked((int)x.Shape.Elements))
        : throw new ArgumentException($"a tensor {x.Shape} of {x.DType}; expected {typeof(T).Name}");

    internal static double Dot(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += double.CreateTruncating(a[i]) * double.CreateTruncating(b[i]);
        }
        return sum;
    }

    private static ReadOnlySpan<T> Values(Weight weight) => ((ReferenceWeight<T>)weight).Values;

    private static void Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        var (rows, heads, half) = (x.Shape[0], x.Shape[1], x.Shape[2] / 2);
        var values = Values(x);
        var c = Values(cos);
        var s = Values(sin);
        for (var r = 0; r < rows; r++)
        {
            for (var h = 0; h < heads; h++)
            {
                var pair = values.Slice((r * heads + h) * 2 * half, 2 * half);
                for (var i = 0; i < half; i++)
                {
                    var (a, b) = (double.CreateTruncating(pair[i]), double.CreateTruncating(pair[i + half]));
                    var (cosine, sine) = (double.CreateTruncating(c[r * half + i]), double.CreateTruncating(s[r * half + i]));
                    pair[i] = T.CreateTruncating(a * cosine - b * sine);
                    pair[i + half] = T.CreateTruncating(b * cosine + a * sine);
                }
            }
        }
    }

    private static void Require(bool holds, string name, object found, Shape expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {found}; expected what goes with {expected}", name);
        }
    }
}
