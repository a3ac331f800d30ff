using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// The backend of the processor: SIMD kernels written once for every instruction set, on threads of its own. Activations, taps and the
/// KV cache are float32; weights are read in the type of their file, where it is mapped.
/// <para>
/// Equal calls give equal bits under one instruction set, whatever the number of threads. A row of a linear layer gets the same bits
/// whatever rows are beside it, as long as the call has at most 32 rows or more than 32 both times (the two add up the inputs in different
/// orders); a row of an attention likewise with 8 (rows of its sequence times query heads of a group). Whether taps are wanted never
/// changes the output.
/// </para>
/// </summary>
public sealed unsafe partial class CpuBackend : IBackend
{
    private readonly WorkerPool _pool;
    private readonly Kernels _kernels;

    /// <summary>Starts the threads.</summary>
    /// <param name="threads">Threads that compute, the caller's included; 0: one for every core.</param>
    /// <param name="instructionSet">What the kernels may use; null: the widest of <see cref="Supported"/>.</param>
    /// <exception cref="IccArgumentException"><paramref name="threads"/> is negative or more than 1024.</exception>
    /// <exception cref="IccUnsupportedException">This process cannot run the instruction set.</exception>
    public CpuBackend(int threads = 0, InstructionSet? instructionSet = null)
    {
        if (threads is < 0 or > 1024)
        {
            throw new IccArgumentException($"threads {threads}: expected 0 (all cores) to 1024");
        }
        InstructionSet = InstructionSets.Choose(instructionSet);
        _kernels = Kernels.For(InstructionSet);
        _pool = new WorkerPool(threads == 0 ? Environment.ProcessorCount : threads);
    }

    /// <summary>The instruction sets that this process can run, the narrowest first.</summary>
    public static IReadOnlyList<InstructionSet> Supported => InstructionSets.Supported;

    /// <summary>The instruction set in use.</summary>
    public InstructionSet InstructionSet { get; }

    /// <summary>Threads that compute, the caller's included.</summary>
    public int Threads => _pool.Threads;

    /// <inheritdoc/>
    public string Description => $"cpu ({InstructionSets.Name(InstructionSet)}, {Threads} thread{(Threads == 1 ? "" : "s")})";

    /// <inheritdoc/>
    public DType ActivationType => DType.F32;

    /// <summary>Lanes of the vectors that the kernels were compiled for.</summary>
    internal int Lanes => _kernels.Lanes;

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape) => Allocate(shape, DType.F32);

    /// <inheritdoc/>
    public Tensor Allocate(Shape shape, DType dtype)
    {
        ExpectAffinity.Real(dtype);
        return new Tensor(new HostBuffer(dtype, shape.Elements), 0, shape);
    }

    /// <inheritdoc/>
    public Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored) => new CpuWeight(source, format);

    /// <inheritdoc/>
    public KvCache CreateKvCache(KvShape shape) => new CpuKvCache(shape);

    /// <inheritdoc/>
    public void Clear(Tensor x)
    {
        var first = x.Buffer is { DType: DType.F64 } ? (byte*)HostCopy.Address<double>(x) : (byte*)HostCopy.Address<float>(x);
        var bytes = x.DType.Bytes(x.Shape.Elements);
        var job = new ClearJob(first, bytes);
        _pool.Run(ref job, Chunks.Of(bytes));
        GC.KeepAlive(x.Buffer);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<double> source, Tensor destination)
    {
        HostCopy.Write(source, destination);
        GC.KeepAlive(destination.Buffer);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<float> source, Tensor destination)
    {
        HostCopy.Write(source, destination);
        GC.KeepAlive(destination.Buffer);
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<float> destination)
    {
        HostCopy.Read(source, destination);
        GC.KeepAlive(source.Buffer);
    }

    /// <inheritdoc/>
    public void Read(Tensor source, Span<double> destination)
    {
        HostCopy.Read(source, destination);
        GC.KeepAlive(source.Buffer);
    }

    /// <inheritdoc/>
    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        var weight = Checks.Matrix(table, nameof(table));
        var hidden = table.Shape[1];
        Expect.Shape(y, new Shape(ids.Length, hidden), nameof(y));
        foreach (var id in ids)
        {
            Expect.That(id >= 0 && id < table.Shape[0], nameof(ids), id, $"a row of {table.Shape}");
        }
        fixed (int* pinned = ids)
        {
            _kernels.Embed(_pool, weight.Address, weight.Scales, weight.Elements, pinned, ids.Length, Pointer(y), hidden);
        }
        GC.KeepAlive(weight);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y)
    {
        var w = Checks.Vector(weight, nameof(weight));
        var n = weight.Shape[0];
        Expect.That(x.Shape.Rank > 0 && x.Shape[x.Shape.Rank - 1] == n, nameof(x), x.Shape, $"rows of {n}");
        Expect.Shape(y, x.Shape, nameof(y));
        _kernels.RmsNorm(_pool, Pointer(x), (float*)w.Address, eps, Pointer(y), checked((int)(x.Shape.Elements / n)), n);
        GC.KeepAlive(w);
        GC.KeepAlive(x.Buffer);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false)
    {
        var w = Checks.Matrix(weight, nameof(weight));
        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        Expect.That(x.Shape.Rank == 2 && x.Shape[1] == inputs, nameof(x), x.Shape, $"rows of {inputs}");
        Expect.Shape(y, new Shape(x.Shape[0], outputs), nameof(y));
        var b = bias is null ? null : Checks.Vector(bias, nameof(bias));
        Expect.That(bias is null || bias.Shape[0] == outputs, nameof(bias), bias?.Shape, $"[{outputs}]");
        var call = new LinearCall
        {
            X = Pointer(x),
            W = w.Address,
            Scales = w.Scales,
            Bias = b is null ? null : (float*)b.Address,
            Y = Pointer(y),
            Rows = x.Shape[0],
            Inputs = inputs,
            Outputs = outputs,
            Scale = scale,
            Accumulate = accumulate,
        };
        _kernels.Linear(_pool, call, w.Elements);
        GC.KeepAlive(w);
        GC.KeepAlive(b);
        GC.KeepAlive(x.Buffer);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void RotateAndStore(
        Tensor query, Tensor key, Tensor value, Tensor cos, Tensor sin, KvCache cache, int layer, ReadOnlySpan<SequenceRows> sequences)
    {
        var paged = Checks.Cache(cache, layer);
        var (kvHeads, headDim) = (cache.Shape.KvHeads, cache.Shape.HeadDim);
        Expect.Rotation(query, key, value, cos, sin, cache.Shape, sequences);
        var rows = query.Shape[0];
        fixed (byte* pinned = &Unsafe.As<SequenceRows, byte>(ref MemoryMarshal.GetReference(sequences)))
        {
            var call = new RotateAndStoreCall
            {
                Query = Pointer(query),
                Key = Pointer(key),
                Value = value.IsEmpty ? null : Pointer(value),
                Cos = Pointer(cos),
                Sin = Pointer(sin),
                Rows = rows,
                Heads = query.Shape[1],
                Cache = paged,
                Layer = layer,
                Sequences = pinned,
                SequenceCount = sequences.Length,
            };
            _kernels.RotateAndStore(_pool, call);
        }
        Checks.KeepAlive(query, key, value, cos, sin);
    }

    /// <inheritdoc/>
    public void Attention(in AttentionCall call)
    {
        var work = Checks.Attention(call);
        if (!call.Output.IsEmpty)
        {
            Expect.Shape(call.Output, call.Query.Shape, nameof(call.Output));
        }
        foreach (ref readonly var sequence in call.Sequences.Span)
        {
            if (sequence.Tap is { } tap)
            {
                Checks.Tap(tap, work.Heads);
            }
        }
        work.Output = call.Output.IsEmpty ? null : Pointer(call.Output);
        _kernels.Attention(_pool, work);
        Checks.KeepAlive(call.Query, call.Output);
    }

    /// <inheritdoc/>
    public void AttentionProbabilities(in AttentionCall call, int sequence, int head, int firstRow, Tensor probabilities)
    {
        var work = Checks.Attention(call);
        Expect.Probabilities(call, sequence, head, firstRow, probabilities);
        var shape = probabilities.Shape;
        _kernels.AttentionProbabilities(_pool, work, sequence, head, firstRow, shape[0], Pointer(probabilities), shape[1]);
        Checks.KeepAlive(call.Query, probabilities);
    }

    /// <inheritdoc/>
    public void SiluMultiply(Tensor gate, Tensor up, Tensor y)
    {
        Expect.Shape(up, gate.Shape, nameof(up));
        Expect.Shape(y, gate.Shape, nameof(y));
        _kernels.SiluMultiply(_pool, Pointer(gate), Pointer(up), Pointer(y), gate.Shape.Elements);
        Checks.KeepAlive(gate, up, y);
    }

    /// <inheritdoc/>
    public void AddAffinity(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form)
    {
        ExpectAffinity.Add(pooled, order, sums);
        fixed (int* pinned = order)
        {
            CpuAffinity.Add(_pool, pooled, pinned, sums, form);
        }
        Checks.KeepAlive(pooled, sums);
    }

    /// <inheritdoc/>
    public void MeanAffinity(Tensor sums, AffinityForm form)
    {
        ExpectAffinity.Square(sums, nameof(sums));
        if (sums.DType == DType.F64)
        {
            CpuAffinity.Mean<double>(_pool, sums, form);
        }
        else
        {
            CpuAffinity.Mean<float>(_pool, sums, form);
        }
        GC.KeepAlive(sums.Buffer);
    }

    /// <inheritdoc/>
    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        ExpectAffinity.Neighbours(affinity, labels, others);
        fixed (int* from = labels, to = others)
        {
            if (affinity.DType == DType.F64)
            {
                CpuAffinity.NeighbourLabels<double>(_pool, affinity, from, to);
            }
            else
            {
                CpuAffinity.NeighbourLabels<float>(_pool, affinity, from, to);
            }
        }
        GC.KeepAlive(affinity.Buffer);
    }

    /// <inheritdoc/>
    public void NormaliseAffinity(Tensor affinity, Tensor rootDegrees)
    {
        ExpectAffinity.Vector(rootDegrees, ExpectAffinity.Square(affinity, nameof(affinity)), affinity, nameof(rootDegrees));
        if (affinity.DType == DType.F64)
        {
            CpuAffinity.Normalise<double>(_pool, affinity, rootDegrees);
        }
        else
        {
            CpuAffinity.Normalise<float>(_pool, affinity, rootDegrees);
        }
        Checks.KeepAlive(affinity, rootDegrees);
    }

    /// <inheritdoc/>
    public void SymmetricProduct(Tensor a, Tensor x, Tensor y)
    {
        ExpectAffinity.Product(a, x, y);
        if (a.DType == DType.F64)
        {
            CpuAffinity.Product<double>(_pool, a, x, y);
        }
        else
        {
            CpuAffinity.Product<float>(_pool, a, x, y);
        }
        Checks.KeepAlive(a, x, y);
    }

    /// <inheritdoc/>
    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        ExpectAffinity.Basis(basis, w, parts);
        var norm = basis.DType == DType.F64
            ? CpuAffinity.Orthonormalise<double>(_pool, basis, w, parts)
            : CpuAffinity.Orthonormalise<float>(_pool, basis, w, parts);
        Checks.KeepAlive(basis, w);
        return norm;
    }

    /// <summary>Ends the threads. Tensors, weights and caches keep their memory until they are disposed themselves.</summary>
    public void Dispose() => _pool.Dispose();

    /// <summary>First element of a tensor of activations of this backend.</summary>
    internal static float* Pointer(Tensor x) => HostCopy.Address<float>(x);
}
