using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Matrices in int8: how they are made, the same on every backend, and what is computed with them.</summary>
public class Int8Tests
{
    private const int Group = 32;
    private static readonly DType[] Sources = [DType.F32, DType.BF16, DType.F16];

    /// <summary>(backend, rows, in, out): groups that are not full, and sizes beyond each block of the fast forms.</summary>
    public static IEnumerable<object[]> Shapes
    {
        get
        {
            (int, int, int)[] shapes =
            [
                .. Data.OddSizes.SelectMany(n => new[] { (1, n, 50), (5, n, 13), (43, n, 50) }),
                .. Data.OddSizes.SelectMany(n => new[] { (1, 70, n), (7, 70, n), (43, 70, n), (n, 100, 20) }),
                (1, 2100, 9), (5, 2100, 9), (8, 4200, 5), (9, 64, 48), (32, 64, 48), (33, 64, 48), (41, 2100, 50),
            ];
            return Subjects.Names.SelectMany(name => shapes.Distinct().Select(s => new object[] { name, s.Item1, s.Item2, s.Item3 }));
        }
    }

    public static IEnumerable<object[]> Types => Subjects.With([.. Sources.Cast<object>()]);

    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void LinearEqualsTheTwin(string name, int rows, int inputs, int outputs)
    {
        using var backend = Subjects.Create(name);
        Compare(backend, name, DType.BF16, rows, inputs, outputs, bias: false, 1, accumulate: false);
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void ScaleBiasAndAccumulate(string name, DType dtype)
    {
        using var backend = Subjects.Create(name);
        foreach (var rows in new[] { 1, 2, 7, 36 })
        {
            foreach (var (scale, bias, accumulate) in new[] { (0.5f, true, false), (2f, false, true), (-1.7f, true, true) })
            {
                Compare(backend, name, dtype, rows, 333, 101, bias, scale, accumulate);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void EveryBackendHasTheSameNumbers(string name, DType dtype)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        foreach (var hidden in Data.OddSizes)
        {
            var source = Data.Weight(dtype, 9, 1, 40, hidden);
            Data.AssertClose(Rows(twin, source), Rows(backend, source), Tolerances.Exact, $"{name} {dtype} {hidden}");
        }
    }

    [Fact]
    public void NoWeightIsOffByMoreThanHalfOfItsScale()
    {
        using var twin = new ReferenceBackend<double>();
        foreach (var dtype in Sources)
        {
            // From below the smallest float16 up to the largest scale.
            foreach (var size in dtype == DType.F16 ? [1e-6f, 1e-3f, 1, 60_000] : new[] { 1e-39f, 1e-9f, 3e-6f, 5e-5f, 1e-3f, 1, 1e6f, 8.3e6f })
            {
                var source = Data.Weight(dtype, 21, size, 30, 77);
                var (stored, found) = (source.ToSingles(), Rows(twin, source));
                for (var start = 0; start < stored.Length; start = NextGroup(start, 77))
                {
                    var end = NextGroup(start, 77);
                    var scale = ScaleOf(stored.AsSpan(start..end));
                    for (var i = start; i < end; i++)
                    {
                        // The division that finds the integer is rounded to float32 itself.
                        var allowed = scale * (0.5 + 1e-5);
                        Assert.True(Math.Abs(found[i] - stored[i]) <= allowed, $"{dtype} {size}: {stored[i]:R} became {found[i]:R}, scale {scale:R}");
                    }
                }
            }
        }
    }

    [Fact]
    public void AGroupOfZerosStaysZero()
    {
        using var twin = new ReferenceBackend<double>();
        var values = new float[2 * 96];
        Array.Fill(values, 3f, 32, 32);
        Assert.Equal(values.Select(v => (double)v), Rows(twin, HostTensor.FromArray("w", values, 2, 96)).Select(v => Math.Round(v, 2)));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void FormatAndBytes(string name)
    {
        using var backend = Subjects.Create(name);
        using var matrix = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 6, 70), WeightFormat.Int8);
        using var vector = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 70), WeightFormat.Int8);
        Assert.Equal((WeightFormat.Int8, DType.BF16), (matrix.Format, matrix.DType));
        Assert.Equal((WeightFormat.Stored, 70L * 4), (vector.Format, vector.Bytes));
        if (backend is not ReferenceBackend<float>)
        {
            Assert.Equal(6 * 3 * 34L, matrix.Bytes);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void WhatInt8CannotHoldIsRefused(string name)
    {
        using var backend = Subjects.Create(name);
        Refused("tensor lm_head: F64", HostTensor.FromArray("lm_head", new double[4], 2, 2));
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e7f, -3e38f })
        {
            foreach (var at in new[] { 0, 39, 40, 79 })
            {
                var values = new float[80];
                values[at] = bad;
                Refused($"tensor lm_head: [{at / 40}, {at % 40}]", HostTensor.FromArray("lm_head", values, 2, 40));
            }
        }

        void Refused(string expected, HostTensor source) =>
            Assert.StartsWith(expected, Assert.Throws<IccUnsupportedException>(() => backend.LoadWeight(source, WeightFormat.Int8)).Message);
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void MemoryThatWasGivenBack(string name)
    {
        using var backend = Subjects.Create(name);
        Skip.If(backend is ReferenceBackend<float>, "its weights are managed memory");
        var weight = backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 4, 4), WeightFormat.Int8);
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() =>
            backend.Linear(backend.Allocate(new Shape(3, 4)), weight, null, backend.Allocate(new Shape(3, 4))));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void ARowDoesNotDependOnTheRowsBesideItNorOnThreads(string name)
    {
        var x = Data.Uniform(80 * 700, 2);
        foreach (var (all, part) in new[] { (32, 3), (80, 37) })
        {
            Assert.Equal(Rows(all, 2)[..(part * 50)], Rows(part, 3));
        }

        double[] Rows(int rows, int threads)
        {
            using var backend = Subjects.CreateCpu(name, threads);
            using var weight = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 50, 700), WeightFormat.Int8);
            var y = backend.Allocate(new Shape(rows, 50));
            backend.Linear(Data.Tensor(backend, x[..(rows * 700)], new Shape(rows, 700)), weight, null, y);
            return Data.Read(backend, y);
        }
    }

    // Groups begin anew with every row.
    private static int NextGroup(int start, int columns) => Math.Min(start + Group, (start / columns + 1) * columns);

    // The scale by its definition: the nearest float16 to max / 127, or the next above where that would cut off more than half a step.
    private static double ScaleOf(ReadOnlySpan<float> group)
    {
        var max = 0f;
        foreach (var value in group)
        {
            max = MathF.Max(max, MathF.Abs(value));
        }
        var scale = (Half)(max / 127);
        return (double)(127.5 * (double)scale < max ? Half.BitIncrement(scale) : scale);
    }

    private static double[] Rows(IBackend backend, HostTensor source)
    {
        using var table = backend.LoadWeight(source, WeightFormat.Int8);
        var y = backend.Allocate(table.Shape);
        backend.Embed(table, [.. Enumerable.Range(0, table.Shape[0])], y);
        return Data.Read(backend, y);
    }

    private static void Compare(
        IBackend backend, string name, DType dtype, int rows, int inputs, int outputs, bool bias, float scale, bool accumulate)
    {
        using var twin = new ReferenceBackend<double>();
        Data.AssertClose(Run(twin), Run(backend), Tolerances.Linear, $"{name} {dtype} [{rows}, {inputs}] x [{outputs}, {inputs}]");

        double[] Run(IBackend b)
        {
            using var weight = b.LoadWeight(Data.Weight(dtype, 11, MathF.Sqrt(3f / inputs), outputs, inputs), WeightFormat.Int8);
            using var vector = bias ? b.LoadWeight(Data.Weight(dtype, 12, 1, outputs), WeightFormat.Int8) : null;
            var x = Data.Tensor(b, Data.Uniform((long)rows * inputs, 13), new Shape(rows, inputs));
            var y = Data.Tensor(b, Data.Uniform((long)rows * outputs, 14), new Shape(rows, outputs));
            b.Linear(x, weight, vector, y, scale, accumulate);
            return Data.Read(b, y);
        }
    }
}
