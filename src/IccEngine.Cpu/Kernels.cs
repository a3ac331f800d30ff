using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>The operations on bare memory, behind one virtual call each; <see cref="Kernels{TOps, TV}"/> has them for an instruction set.</summary>
internal abstract unsafe class Kernels
{
    /// <summary>The kernels of an instruction set that this process can run.</summary>
    public static Kernels For(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => new Kernels<Avx512Ops, System.Runtime.Intrinsics.Vector512<float>>(),
        InstructionSet.Avx2 => new Kernels<Avx2Ops, System.Runtime.Intrinsics.Vector256<float>>(),
        _ => new Kernels<PlainOps, float>(),
    };

    /// <summary>Lanes of the vectors that are used.</summary>
    public abstract int Lanes { get; }

    public abstract void Linear(WorkerPool pool, in LinearCall call, DType elements);

    public abstract void Embed(WorkerPool pool, byte* table, ushort* scales, DType elements, int* ids, int tokens, float* y, int hidden);

    public abstract void RmsNorm(WorkerPool pool, float* x, float* weight, float eps, float* y, int rows, int n);

    public abstract void RotateAndStore(WorkerPool pool, in RotateAndStoreCall call);

    public abstract void Attention(WorkerPool pool, in AttentionWork work);

    public abstract void AttentionProbabilities(
        WorkerPool pool, in AttentionWork work, int sequence, int head, int firstRow, int rows, float* probabilities, int columns);

    public abstract void SiluMultiply(WorkerPool pool, float* gate, float* up, float* y, long n);

    /// <summary>The place of the largest element in each row; NaN counts as minus infinity.</summary>
    public abstract void ArgMax(WorkerPool pool, float* logits, int rows, int vocabulary, Span<int> best);
}

/// <inheritdoc/>
internal sealed unsafe class Kernels<TOps, TV> : Kernels
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>With fewer rows than these the weights are streamed once for all rows instead of packed; about where both take the same time.</summary>
    private const int TiledRows = 33;

    public override int Lanes => TOps.Count;

    public override void Linear(WorkerPool pool, in LinearCall call, DType elements)
    {
        switch (elements)
        {
            case DType.BF16:
                Linear<BF16Elements>(pool, call);
                break;
            case DType.F16:
                Linear<F16Elements>(pool, call);
                break;
            case DType.I8 when call.Rows < TiledRows:
                Int8DotLinear<TOps, TV>.Run(pool, call);
                break;
            case DType.I8:
                TiledLinear<TOps, TV, Int8Elements>.Run(pool, call);
                break;
            default:
                Linear<F32Elements>(pool, call);
                break;
        }
    }

    public override void Embed(WorkerPool pool, byte* table, ushort* scales, DType elements, int* ids, int tokens, float* y, int hidden)
    {
        switch (elements)
        {
            case DType.BF16:
                var bf16 = new EmbedJob<TOps, TV, BF16Elements>(table, ids, y, hidden);
                pool.Run(ref bf16, tokens);
                break;
            case DType.F16:
                var f16 = new EmbedJob<TOps, TV, F16Elements>(table, ids, y, hidden);
                pool.Run(ref f16, tokens);
                break;
            case DType.I8:
                var int8 = new Int8EmbedJob<TOps, TV>((sbyte*)table, scales, ids, y, hidden);
                pool.Run(ref int8, tokens);
                break;
            default:
                var f32 = new EmbedJob<TOps, TV, F32Elements>(table, ids, y, hidden);
                pool.Run(ref f32, tokens);
                break;
        }
    }

    public override void RmsNorm(WorkerPool pool, float* x, float* weight, float eps, float* y, int rows, int n) =>
        RmsNormJob<TOps, TV>.Run(pool, x, weight, eps, y, rows, n);

    public override void RotateAndStore(WorkerPool pool, in RotateAndStoreCall call)
    {
        var job = new RotateAndStoreJob<TOps, TV>(call);
        pool.Run(ref job, (call.Rows + RotateAndStoreJob<TOps, TV>.ItemRows - 1) / RotateAndStoreJob<TOps, TV>.ItemRows);
    }

    public override void Attention(WorkerPool pool, in AttentionWork work) => AttentionPlanner<TOps, TV>.Run(pool, work);

    public override void AttentionProbabilities(
        WorkerPool pool, in AttentionWork work, int sequence, int head, int firstRow, int rows, float* probabilities, int columns)
    {
        var job = new ProbabilitiesJob<TOps, TV>(work, sequence, head, firstRow, probabilities, columns);
        pool.Run(ref job, rows);
    }

    public override void SiluMultiply(WorkerPool pool, float* gate, float* up, float* y, long n)
    {
        var job = new SiluMultiplyJob<TOps, TV>(gate, up, y, n);
        pool.Run(ref job, Chunks.Of(n));
    }

    public override void ArgMax(WorkerPool pool, float* logits, int rows, int vocabulary, Span<int> best)
    {
        var parts = (vocabulary + ArgMaxJob<TOps, TV>.Part - 1) / ArgMaxJob<TOps, TV>.Part;
        var ofParts = (int*)Scratch.Take(ScratchUse.Plan, (long)rows * parts * sizeof(int));
        var job = new ArgMaxJob<TOps, TV>(logits, vocabulary, parts, ofParts);
        pool.Run(ref job, checked(rows * parts));
        for (var row = 0; row < rows; row++)
        {
            var x = logits + (long)row * vocabulary;
            best[row] = ofParts[row * parts];
            for (var part = 1; part < parts; part++)
            {
                var candidate = ofParts[row * parts + part];
                best[row] = SampleJob.Value(x[candidate]) > SampleJob.Value(x[best[row]]) ? candidate : best[row];
            }
        }
    }

    private static void Linear<TW>(WorkerPool pool, in LinearCall call) where TW : struct, IElements
    {
        if (call.Rows < TiledRows)
        {
            DotLinear<TOps, TV, TW>.Run(pool, call);
        }
        else
        {
            TiledLinear<TOps, TV, TW>.Run(pool, call);
        }
    }
}
