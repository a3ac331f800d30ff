using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine.DeviceTests;

/// <summary>Times of the operations that decide the speed, at the shapes of an 8B Llama (hidden 4096, 32 heads, 8 KV heads of 128, ffn 14336).</summary>
internal static class Bench
{
    private const int Rounds = 5;

    public static void Run()
    {
        foreach (var compute in new[] { DType.BF16, DType.F32 })
        {
            using var products = new CudaBackend(compute: compute);
            foreach (var product in products.MatrixProducts)
            {
                products.MatrixProduct = product;
                Console.WriteLine($"{products.Description}: {product}");
                foreach (var (inputs, outputs) in new[] { (4096, 1024), (4096, 4096), (4096, 14336), (14336, 4096) })
                {
                    Linear(products, 2048, inputs, outputs);
                }
            }
        }
        using var backend = new CudaBackend();
        Console.WriteLine(backend.Description);
        foreach (var outputs in new[] { 4096, 14336, 128_256 })
        {
            Linear(backend, 1, 4096, outputs);
        }
        foreach (var (start, rows, spans) in new[] { (0, 2048, 0), (0, 2048, 200), (0, 8192, 0), (0, 8192, 200), (0, 8192, 2000), (8191, 1, 0), (32767, 1, 0) })
        {
            Attention(backend, start, rows, spans);
        }
    }

    private static void Linear(CudaBackend backend, int rows, int inputs, int outputs)
    {
        var bits = new byte[2L * inputs * outputs];
        new Random(1).NextBytes(bits);
        for (var i = 1; i < bits.Length; i += 2)
        {
            bits[i] = (byte)(bits[i] & 0x81 | 0x3c); // bfloat16 numbers between 2^-8 and 2^-6
        }
        using var weight = backend.LoadWeight(HostTensor.FromBytes("weight", DType.BF16, bits, outputs, inputs));
        var x = Random(backend, new Shape(rows, inputs));
        var y = backend.Allocate(new Shape(rows, outputs));
        var seconds = Time(backend, y, () => backend.Linear(x, weight, null, y));
        var flops = 2.0 * rows * inputs * outputs;
        Console.WriteLine(
            $"linear bf16 [{rows}, {inputs}] x [{outputs}, {inputs}]: {1e6 * seconds:0.0} us, {flops / seconds / 1e12:0.00} TFLOP/s, weight {bits.Length / seconds / 1e9:0} GB/s");
        x.Buffer.Dispose();
        y.Buffer.Dispose();
    }

    private static void Attention(CudaBackend backend, int start, int rows, int spans)
    {
        const int heads = 32;
        const int kvHeads = 8;
        const int headDim = 128;
        var length = start + rows;
        var pages = Enumerable.Range(0, (length + 63) / 64).ToArray();
        using var cache = backend.CreateKvCache(new KvShape(1, kvHeads, headDim, 64, pages.Length));
        var (cos, sin) = (backend.Allocate(new Shape(length, headDim / 2)), backend.Allocate(new Shape(length, headDim / 2)));
        var key = Random(backend, new Shape(length, kvHeads, headDim));
        var all = Random(backend, new Shape(length, heads, headDim));
        backend.Write(Enumerable.Repeat(1f, length * headDim / 2).ToArray(), cos);
        backend.RotateAndStore(all, key, key, cos, sin, cache, 0, [new SequenceRows(0, length, 0, pages)]);
        var query = all.Rows(0, rows);
        var output = backend.Allocate(query.Shape);
        var tap = spans == 0 ? null : new AttentionTap(
            [.. Enumerable.Range(0, spans).Select(i => new TokenSpan(i * length / spans, (i + 1) * length / spans))], [], false,
            backend.Allocate(new Shape(spans, spans)), default, default);
        var call = new AttentionCall
        {
            Query = query,
            Cache = cache,
            Layer = 0,
            Sequences = new[] { new SequenceRows(0, rows, start, pages, tap) },
            Mask = new(true, null),
            Scale = 0.088f,
            Output = output,
        };
        var seconds = Time(backend, output, () => backend.Attention(call));
        var pairs = rows * (double)start + rows * (rows + 1.0) / 2;
        Console.WriteLine(
            $"attention {rows} rows after {start}, {spans} spans: {1e6 * seconds:0.0} us, {4 * pairs * heads * headDim / seconds / 1e12:0.00} TFLOP/s,"
            + $" cache {2.0 * length * kvHeads * headDim * sizeof(float) / seconds / 1e9:0} GB/s");
        Array.ForEach([cos, sin, key, all, output], t => t.Buffer.Dispose());
        tap?.SpanToSpan.Buffer.Dispose();
    }

    private static Tensor Random(CudaBackend backend, Shape shape)
    {
        var random = new Random(2);
        var values = new float[shape.Elements];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle() - 0.5f;
        }
        var tensor = backend.Allocate(shape);
        backend.Write(values, tensor);
        return tensor;
    }

    /// <summary>Seconds of one call: the median of rounds of at least 50 ms, each of which waits for the device once.</summary>
    private static double Time(CudaBackend backend, Tensor result, Action call)
    {
        var one = new float[1];
        var first = new Tensor(result.Buffer, result.Offset, new Shape(1));
        double Round(int calls)
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < calls; i++)
            {
                call();
            }
            backend.Read(first, one);
            return watch.Elapsed.TotalSeconds / calls;
        }
        Round(2);
        var count = (int)Math.Clamp(0.05 / Round(1), 1, 1000);
        return Enumerable.Range(0, Rounds).Select(_ => Round(count)).Order().ElementAt(Rounds / 2);
    }
}
