using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>What the linear layer of the CUDA backend has beyond the contract: two types of computing, large tiles, and work in chunks.</summary>
public class CudaLinearTests
{
    private static readonly DType[] WeightTypes = [DType.F32, DType.BF16, DType.F16, DType.F64];

    /// <summary>(backend, rows, inputs, outputs) on both sides of each tile and of the pieces of the inputs.</summary>
    public static IEnumerable<object[]> Shapes
    {
        get
        {
            (int, int, int)[] shapes =
            [
                (1, 70, 50), (8, 70, 50), (9, 1, 1), (9, 8, 2), (33, 31, 129), (63, 32, 65), (64, 33, 64), (65, 127, 3), (129, 129, 66),
                (17, 2104, 40), (10, 513, 3), (64, 769, 65), (65, 1287, 129),
            ];
            return Subjects.CudaNames.SelectMany(name => shapes.Select(s => new object[] { name, s.Item1, s.Item2, s.Item3 }));
        }
    }

    /// <summary>Theory data: the CUDA backends.</summary>
    public static TheoryData<string> Names => [.. Subjects.CudaNames];

    /// <summary>
    /// Computing in bfloat16 is that of float32 with both sides rounded, and never further from the exact result than that may be:
    /// a relative 2^-9 of each factor, so 2^-8 + 2^-18 of each product.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void BFloat16RoundsBothSidesOnce(string name, int rows, int inputs, int outputs)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        using var twin = new ReferenceBackend<double>();
        foreach (var dtype in WeightTypes)
        {
            var (what, problem) = ($"{name} {dtype} [{rows}, {inputs}] x [{outputs}, {inputs}]", new Problem(dtype, rows, inputs, outputs));
            var (exact, rounded, most) = (problem.Run(twin), problem.Rounded().Run(twin), problem.Magnitudes().Run(twin));
            foreach (var product in backend.MatrixProducts)
            {
                backend.MatrixProduct = product;
                var found = problem.Run(backend);
                if (rows > CudaBackend.FewRows)
                {
                    Data.AssertClose(rounded, found, Tolerances.OfLinear(dtype), $"{what} by {product}");
                }
                for (var i = 0; i < found.Length; i++)
                {
                    var allowed = Tolerances.Rounded(Tolerances.OfLinear(dtype), most[i]);
                    Data.AssertClose([exact[i]], [found[i]], allowed, $"{what} by {product} at {i}");
                }
            }
        }
    }

    /// <summary>The own kernel of compute capability 9.0 for products of float32, whatever the sizes.</summary>
    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void WarpgroupsGiveProductsOfFloat32(string name, int rows, int inputs, int outputs)
    {
        using var backend = TestBackends.CreateCuda(name);
        Skip.If(name == TestBackends.Cuda && backend.Device.Capability != new Version(9, 0), "this device has no wgmma");
        backend.MatrixProduct = MatrixProduct.Wgmma;
        using var twin = new ReferenceBackend<double>();
        foreach (var dtype in WeightTypes)
        {
            var problem = new Problem(dtype, rows, inputs, outputs);
            Data.AssertClose(problem.Run(twin), problem.Run(backend), Tolerances.OfLinear(dtype), $"{name} {dtype}");
        }
    }

    /// <summary>Large tiles, of all kernels that there are: (compute type, outputs) that make a hundred of them in 12 rows.</summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void ManyTilesAreLarge(string name)
    {
        using var twin = new ReferenceBackend<double>();
        foreach (var (compute, outputs) in new[] { (DType.F32, 1170), (DType.BF16, 2290) })
        {
            using var backend = TestBackends.CreateCuda(name, compute);
            var problem = new Problem(DType.BF16, 1501, 40, outputs);
            var expected = (compute == DType.BF16 ? problem.Rounded() : problem).Run(twin);
            foreach (var product in backend.MatrixProducts)
            {
                backend.MatrixProduct = product;
                Data.AssertClose(expected, problem.Run(backend), Tolerances.Linear, $"{name} {compute} by {product}");
            }
        }
    }

    /// <summary>
    /// Where tiles are few their inputs are split among blocks. Sums of whole numbers have the same bits in every order, so a number that
    /// is left out or counted twice shows.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void SplitInputsAreAllAddedUpOnce(string name)
    {
        using var twin = new ReferenceBackend<double>();
        foreach (var compute in new[] { DType.F32, DType.BF16 })
        {
            using var backend = TestBackends.CreateCuda(name, compute);
            foreach (var (rows, inputs, outputs) in new[] { (9, 520, 70), (61, 1000, 1), (65, 1100, 130), (130, 1500, 5) })
            {
                double[] Run(IBackend on)
                {
                    using var weight = on.LoadWeight(HostTensor.FromArray("weight", Whole(outputs * inputs, 7), [outputs, inputs]));
                    using var bias = on.LoadWeight(HostTensor.FromArray("bias", Whole(outputs, 5), [outputs]));
                    var y = Data.Tensor(on, Whole(rows * outputs, 11), new Shape(rows, outputs));
                    on.Linear(Data.Tensor(on, Whole(rows * inputs, 13), new Shape(rows, inputs)), weight, bias, y, 0.5f, accumulate: true);
                    return Data.Read(on, y);
                }
                foreach (var product in backend.MatrixProducts.Except([MatrixProduct.Cublas]))
                {
                    backend.MatrixProduct = product;
                    Assert.Equal(Run(twin), Run(backend));
                }
            }
        }
        static float[] Whole(int count, int period) => [.. Enumerable.Range(0, count).Select(i => i * 17 / 3 % period - (float)(period / 2))];
    }

    /// <summary>Equal calls give equal bits, a call between that leaves other sums behind or not; and only few tiles are split.</summary>
    [SkippableFact]
    public void SplitsAreDeterministicAndCounted()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        backend.MatrixProduct = MatrixProduct.MmaSync;
        var (split, other) = (new Problem(DType.BF16, 20, 1040, 90), new Problem(DType.BF16, 40, 2000, 30));
        var first = split.Run(backend);
        other.Run(backend);
        Assert.Equal(first, split.Run(backend));
        Assert.Equal(3, Launches(split)); // terms of x, products, sums
        Assert.Equal(2, Launches(new Problem(DType.BF16, 20, 504, 90))); // too few inputs
        Assert.Equal(2, Launches(new Problem(DType.BF16, 9, 512, 16900))); // 265 tiles: twice as many would not run at a time

        long Launches(Problem problem)
        {
            var before = machine.Count("launches");
            problem.Run(backend);
            return machine.Count("launches") - before;
        }
    }

    [SkippableFact]
    public void WhatIsNotThereIsRefusedInOneLine()
    {
        using var backend = TestBackends.CreateCuda(TestBackends.CudaOnHost);
        var error = Assert.Throws<IccDeviceException>(() => backend.MatrixProduct = MatrixProduct.Cublas);
        Assert.EndsWith("there is no Cublas; expected Auto, MmaSync, Wgmma", error.Message, StringComparison.Ordinal);
        Assert.Equal(MatrixProduct.Auto, backend.MatrixProduct);
    }

    /// <summary>Where memory for all terms would be too much, rows and outputs come in chunks.</summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void ChunksEqualTheWhole(string name)
    {
        using var backend = TestBackends.CreateCuda(name);
        using var chunked = TestBackends.CreateCuda(name);
        chunked.LimitLinear(1);
        foreach (var dtype in WeightTypes)
        {
            var problem = new Problem(dtype, 150, 44, 140);
            Assert.Equal(problem.Run(backend), problem.Run(chunked));
        }
    }

    [Fact]
    public void OtherTypesOfComputingAreRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => new CudaBackend(0, "libno-such-driver.so.9", DType.F16));
        Assert.Contains("F16; expected F32 or BF16", error.Message, StringComparison.Ordinal);
    }

    /// <summary>y = 0.75 (x weight^T) + bias + y.</summary>
    internal sealed class Problem
    {
        private readonly int _rows, _inputs, _outputs;
        private readonly HostTensor _weight, _bias;
        private readonly float[] _x, _y;

        public Problem(DType dtype, int rows, int inputs, int outputs)
            : this(rows, inputs, outputs, Data.Weight(dtype, 11, MathF.Sqrt(3f / inputs), outputs, inputs), Data.Weight(DType.F32, 12, 1, outputs),
                Data.Uniform((long)rows * inputs, 13), Data.Uniform((long)rows * outputs, 14))
        {
        }

        private Problem(int rows, int inputs, int outputs, HostTensor weight, HostTensor bias, float[] x, float[] y) =>
            (_rows, _inputs, _outputs, _weight, _bias, _x, _y) = (rows, inputs, outputs, weight, bias, x, y);

        /// <summary>The same with x and weight rounded to bfloat16.</summary>
        public Problem Rounded() =>
            new(_rows, _inputs, _outputs, Weight(Array.ConvertAll(Values(), Data.Rounded)), _bias, Array.ConvertAll(_x, Data.Rounded), _y);

        /// <summary>The sums of the magnitudes of all products and of what is added.</summary>
        public Problem Magnitudes() => new(
            _rows, _inputs, _outputs, Weight(Array.ConvertAll(Values(), MathF.Abs)), HostTensor.FromArray("bias", new float[_outputs], [_outputs]),
            Array.ConvertAll(_x, MathF.Abs), new float[_y.Length]);

        public double[] Run(IBackend backend)
        {
            using var weight = backend.LoadWeight(_weight);
            using var bias = backend.LoadWeight(_bias);
            var y = Data.Tensor(backend, _y, new Shape(_rows, _outputs));
            backend.Linear(Data.Tensor(backend, _x, new Shape(_rows, _inputs)), weight, bias, y, 0.75f, accumulate: true);
            return Data.Read(backend, y);
        }

        private float[] Values()
        {
            var values = new float[_weight.Elements];
            _weight.CopyTo(0, values);
            return values;
        }

        private HostTensor Weight(float[] values) => HostTensor.FromArray("weight", values, [_outputs, _inputs]);
    }
}
