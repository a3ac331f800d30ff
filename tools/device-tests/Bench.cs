using System.Diagnostics;
using System.Globalization;
using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine.DeviceTests;

/// <summary>The operations that decide the speed, and whole models, each figure with its share of what the device was measured to do.</summary>
internal sealed partial class Bench(CudaBackend backend, BenchSizes sizes, TextWriter output)
{
    private readonly Lazy<(double Peak, double Bandwidth)> _limits = new(() =>
    {
        var limits = CudaLimits.Measure(backend, sizes.Rounds, sizes.LimitBytes, sizes.LimitSteps);
        return (Median(limits.Peak), Median(limits.Bandwidth));
    });

    private CudaBackend Backend => backend;

    private BenchSizes Sizes => sizes;

    /// <summary>Path of the driver's library; null: the system's.</summary>
    public string? Driver { get; init; }

    /// <summary>Names of what can be measured.</summary>
    public static IReadOnlyList<string> Parts { get; } = ["limits", "gemm", "attention", "eager", "lanczos", "model"];

    /// <summary>Measures some parts, or all where none is named.</summary>
    /// <param name="parts">Of <see cref="Parts"/>.</param>
    /// <param name="modelFolder">Where the random weights of the model are, or are written.</param>
    public void Run(IReadOnlyCollection<string> parts, string modelFolder)
    {
        output.WriteLine(backend.Description);
        foreach (var part in Parts.Where(p => parts.Count == 0 || parts.Contains(p)))
        {
            switch (part)
            {
                case "limits":
                    output.WriteLine(Text($"limits: {_limits.Value.Peak / 1e12:0.0} TFLOP/s by mma.sync bf16, {_limits.Value.Bandwidth / 1e9:0} GB/s by copying"));
                    break;
                case "gemm":
                    Array.ForEach(sizes.Gemms, Gemm);
                    break;
                case "attention":
                    Array.ForEach(sizes.Attentions, Attention);
                    break;
                case "eager":
                    Array.ForEach(sizes.Eagers, Eager);
                    break;
                case "lanczos":
                    Array.ForEach(sizes.Matrices, Lanczos);
                    break;
                default:
                    Model(modelFolder);
                    break;
            }
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);

    private void Arithmetic(string what, double flops, double seconds) =>
        output.WriteLine(Text($"{what}: {1e3 * seconds:0.000} ms, {flops / seconds / 1e12:0.00} TFLOP/s, {flops / seconds / _limits.Value.Peak:P1} of the peak"));

    private void Memory(string what, double bytes, double seconds) =>
        output.WriteLine(Text($"{what}: {1e3 * seconds:0.000} ms, {bytes / seconds / 1e9:0} GB/s, {bytes / seconds / _limits.Value.Bandwidth:P1} of the bandwidth"));

    private void Gemm((int Rows, int Inputs, int Outputs) size)
    {
        var (rows, inputs, outputs) = size;
        // One row is what decoding does: its weights come from memory, and not from a cache that holds the last call's.
        var weightBytes = 2L * inputs * outputs;
        var copies = rows > 1 || sizes.LeastSeconds == 0 ? 1 : (int)Math.Clamp((256L << 20) / weightBytes, 1, 64);
        var weights = Enumerable.Range(0, copies).Select(i => backend.LoadWeight(Bits(i, outputs, inputs))).ToArray();
        var x = Random(new Shape(rows, inputs));
        var y = backend.Allocate(new Shape(rows, outputs));
        var call = 0;
        var what = $"gemm bf16 [{rows}, {inputs}] x [{outputs}, {inputs}]";
        double Seconds() => Time(y, () => backend.Linear(x, weights[call++ % copies], null, y));
        if (rows <= CudaBackend.FewRows)
        {
            Memory(what, weightBytes, Seconds());
        }
        else
        {
            foreach (var product in backend.MatrixProducts)
            {
                backend.MatrixProduct = product;
                Arithmetic($"{what}, {product}", 2.0 * rows * inputs * outputs, Seconds());
            }
            backend.MatrixProduct = MatrixProduct.Auto;
        }
        x.Buffer.Dispose();
        y.Buffer.Dispose();
        Array.ForEach(weights, w => w.Dispose());
    }

    private static HostTensor Bits(int seed, int outputs, int inputs)
    {
        var bits = new byte[2L * inputs * outputs];
        new Random(seed).NextBytes(bits);
        for (var i = 1; i < bits.Length; i += 2)
        {
            bits[i] = (byte)(bits[i] & 0x81 | 0x3c); // bfloat16 numbers between 2^-8 and 2^-6
        }
        return HostTensor.FromBytes("weight", DType.BF16, bits, outputs, inputs);
    }

    // The product of a step of Lanczos: nearly all of its time.
    private void Lanczos(int n)
    {
        var (a, x, y) = (Random(new Shape(n, n)), Random(new Shape(n)), backend.Allocate(new Shape(n)));
        var seconds = Time(y, () => backend.SymmetricProduct(a, x, y));
        Memory($"lanczos product n = {n}, float32", 4.0 * n * n, seconds);
        Array.ForEach([a, x, y], t => t.Buffer.Dispose());
    }

    private Tensor Random(Shape shape)
    {
        var random = new Random(2);
        var tensor = backend.Allocate(shape);
        var values = new float[Math.Min(1 << 20, shape.Elements)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = random.NextSingle() - 0.5f;
        }
        for (long at = 0; at < shape.Elements; at += values.Length)
        {
            var count = (int)Math.Min(values.Length, shape.Elements - at);
            backend.Write(values.AsSpan(0, count), new Tensor(tensor.Buffer, at, new Shape(count)));
        }
        return tensor;
    }

    /// <summary>Seconds of one call: the median of rounds, each of which waits for the device once.</summary>
    private double Time(Tensor result, Action call)
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
        var count = (int)Math.Clamp(sizes.LeastSeconds / Round(1), 1, 1000);
        return Median([.. Enumerable.Range(0, sizes.Rounds).Select(_ => Round(count))]);
    }
}
