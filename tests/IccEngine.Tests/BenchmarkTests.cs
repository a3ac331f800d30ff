using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Benchmarks as a library: their models, their formulas by the model's own counts, and cancellation.</summary>
public sealed class BenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Random_models_have_the_shape_and_the_deviation_they_say(DType dtype)
    {
        var folder = _folder.At("model");
        BenchmarkModel.Write("tiny", dtype.ToString().ToLowerInvariant(), folder, seed: 3);
        using var checkpoint = Checkpoint.Open(folder);
        Assert.Equal(BenchmarkModel.WeightBytes(BenchmarkModel.ConfigOf("tiny"), dtype), checkpoint.Tensors.Sum(t => t.ByteLength));
        Assert.All(checkpoint.Tensors, t => Assert.Equal(dtype, t.DType));
        Assert.All(checkpoint.Get("model.norm.weight").ToSingles(), v => Assert.Equal(1, v));
        var values = checkpoint.Get("model.embed_tokens.weight").ToSingles();
        var mean = values.Average(v => (double)v);
        Assert.InRange(mean, -0.001, 0.001);
        Assert.InRange(Math.Sqrt(values.Average(v => (v - mean) * (v - mean))), 0.0195, 0.0205);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_one_others()
    {
        byte[] Bytes(string name, long seed)
        {
            BenchmarkModel.Write("tiny", "bf16", _folder.At(name), seed);
            return File.ReadAllBytes(Path.Combine(_folder.At(name), Checkpoint.SingleName));
        }
        var first = Bytes("a", 1);
        Assert.Equal(first, Bytes("b", 1));
        Assert.NotEqual(first, Bytes("c", 2));
    }

    [Theory]
    [InlineData("1b", 1_038_682_112)]
    [InlineData("8b", 8_030_261_248)]
    public void Shapes_have_the_parameters_of_their_names(string shape, long parameters) =>
        Assert.Equal(2 * parameters, BenchmarkModel.WeightBytes(BenchmarkModel.ConfigOf(shape), DType.BF16));

    [Fact]
    public void A_cancelled_model_leaves_nothing()
    {
        using var source = new CancellationTokenSource();
        var progress = new CancelAt(source);
        Assert.Throws<OperationCanceledException>(() => BenchmarkModel.Write("1b", "bf16", _folder.At("model"), 0, progress, source.Token));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_cancelled_benchmark_ends()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => Benchmark.Run(new BenchmarkOptions { Shape = "tiny", Subject = BenchmarkSubject.Prefill }, null, source.Token));
    }

    [Fact]
    public void Limits_are_measured_under_every_instruction_set()
    {
        foreach (var set in CpuBackend.Supported)
        {
            var limits = MachineLimits.Measure(threads: 3, rounds: 2, set);
            Assert.Equal((set, 3), (limits.InstructionSet, limits.Threads));
            foreach (var figure in new[] { limits.OneCorePeak, limits.Peak, limits.OneCoreBandwidth, limits.Bandwidth })
            {
                Assert.True(figure.Min > 0);
                Assert.InRange(figure.Median, figure.Min, figure.Max);
            }
        }
        Assert.Throws<IccArgumentException>(() => MachineLimits.Measure(rounds: 0));
        Assert.Throws<IccArgumentException>(() => MachineLimits.Measure(threads: -1));
    }

    private sealed class CancelAt(CancellationTokenSource source) : IProgress<double>
    {
        public void Report(double value) => source.Cancel();
    }
}
