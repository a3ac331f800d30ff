using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine;

/// <summary>
/// Linear layers and the operations that only move memory, alone, at the shapes of a model.
/// <para>
/// gemm: 2 * rows * in * out operations, as a share of the peak; for one row, where the weights have to come from memory, the bytes of
/// the weight instead, as a share of the bandwidth; on NVIDIA devices by each of <see cref="MatrixProduct"/> that there is. rmsnorm: x is read and y written, 8 bytes an element. kvcache: queries and keys are
/// read and written, values read, cosines and sines read, keys and values written to their pages, 4 bytes each. Small operands stay in
/// the caches, so that the last two may be above the bandwidth of the memory.
/// </para>
/// </summary>
internal static class OperationBenchmarks
{
    private const long BeyondCaches = 1L << 28;

    /// <summary>y = x weight^T at every shape that the model has.</summary>
    public static void Gemm(BenchmarkRun run)
    {
        var config = run.Config;
        var (hidden, ffn) = (config.HiddenSize, config.IntermediateSize);
        var (queries, keys) = (config.NumAttentionHeads * config.HeadDim, config.NumKeyValueHeads * config.HeadDim);
        var shapes = new[] { (queries, hidden), (keys, hidden), (hidden, queries), (ffn, hidden), (hidden, ffn), (config.VocabSize, hidden) };
        foreach (var (outputs, inputs) in shapes.Distinct())
        {
            foreach (var rows in run.TokensOr(1, 512))
            {
                Gemm(run, rows, inputs, outputs);
            }
        }
    }

    /// <summary>x / rms(x) over rows of the hidden size.</summary>
    public static void RmsNorm(BenchmarkRun run)
    {
        var hidden = run.Config.HiddenSize;
        foreach (var rows in run.TokensOr(512, 8192))
        {
            BenchmarkRun.CheckMemory($"rmsnorm of {rows} tokens", 8.0 * rows * hidden);
            using var weight = run.Backend.LoadWeight(HostTensor.FromArray("weight", [.. Enumerable.Repeat(1f, hidden)], hidden));
            var x = run.Random(new Shape(rows, hidden));
            var y = run.Backend.Allocate(new Shape(rows, hidden));
            using (x.Buffer)
            using (y.Buffer)
            {
                var seconds = run.Seconds(y, _ => run.Backend.RmsNorm(x, weight, 1e-5f, y));
                run.AddBytes("rmsnorm", $"[{rows}, {hidden}]", 8.0 * rows * hidden, seconds);
            }
        }
    }

    /// <summary>Rotary embedding and the write to the cache.</summary>
    public static void KvCache(BenchmarkRun run)
    {
        var (heads, kvHeads, headDim) = (run.Config.NumAttentionHeads, run.Config.NumKeyValueHeads, run.Config.HeadDim);
        foreach (var rows in run.TokensOr(1, 512, 8192))
        {
            // Queries, keys and values, each read; queries and keys written; both written to the cache; cosines and sines read.
            var bytes = (double)sizeof(float) * rows * headDim * (2 * heads + 5 * kvHeads + 1);
            BenchmarkRun.CheckMemory($"kvcache of {rows} tokens", bytes);
            using var operands = new AttentionOperands(run, [rows]);
            var seconds = run.Seconds(operands.Query, _ => operands.Store());
            run.AddBytes("kvcache", $"{rows} tokens, {heads}/{kvHeads} heads of {headDim}", bytes, seconds);
        }
    }

    private static void Gemm(BenchmarkRun run, int rows, int inputs, int outputs)
    {
        var dtype = run.DType;
        var storedBytes = dtype.Bytes((long)inputs * outputs);
        BenchmarkRun.CheckMemory($"gemm of {rows} tokens", 4.0 * rows * (inputs + (double)outputs) + 3.0 * storedBytes);
        var matrix = RandomWeights.Matrix(dtype, outputs, inputs);
        Weight Load(byte[] bytes) => run.Backend.LoadWeight(HostTensor.FromBytes("weight", dtype, bytes, outputs, inputs), run.Format);
        var first = Load(matrix);
        // One row is what decoding does: its weights come from memory, and not from a cache that holds the last call's.
        var copies = rows == 1 ? (int)Math.Clamp(BeyondCaches / first.Bytes, 1, 64) : 1;
        BenchmarkRun.CheckMemory($"gemm of {rows} tokens", 4.0 * rows * (inputs + (double)outputs) + (2.0 + copies) * storedBytes);
        // A quantised weight is a copy already.
        Weight[] weights = [first, .. Enumerable.Range(1, copies - 1).Select(_ => Load(run.Format == WeightFormat.Stored ? [.. matrix] : matrix))];
        var x = run.Random(new Shape(rows, inputs));
        var y = run.Backend.Allocate(new Shape(rows, outputs));
        using (x.Buffer)
        using (y.Buffer)
        {
            var size = $"[{rows}, {inputs}] x [{outputs}, {inputs}] {(run.Format == WeightFormat.Stored ? dtype.ToString().ToLowerInvariant() : run.Options.Quantize)}";
            double[] Seconds() => run.Seconds(y, call => run.Backend.Linear(x, weights[call % copies], null, y));
            if (rows == 1)
            {
                run.AddBytes("gemm", size, first.Bytes, Seconds());
            }
            else
            {
                ByProduct(run, rows > CudaBackend.FewRows ? Enum.GetValues<MatrixProduct>() : [], suffix => run.AddFlops("gemm", size + suffix, 2.0 * rows * inputs * outputs, Seconds()));
            }
        }
        Array.ForEach(weights, w => w.Dispose());
    }

    /// <summary>Measures with everything that multiplies matrices here, side by side.</summary>
    /// <param name="run">The run.</param>
    /// <param name="products">What can be told apart in what is measured.</param>
    /// <param name="measure">Takes what is to be said behind the size.</param>
    public static void ByProduct(BenchmarkRun run, MatrixProduct[] products, Action<string> measure)
    {
        if (run.Backend is not CudaBackend cuda || cuda.MatrixProducts.Intersect(products).ToArray() is not { Length: > 0 } found)
        {
            measure("");
            return;
        }
        foreach (var product in found)
        {
            cuda.MatrixProduct = product;
            measure($", {product}");
        }
        cuda.MatrixProduct = MatrixProduct.Auto;
    }
}
