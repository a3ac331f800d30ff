using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The linear layer, with odd sizes in each dimension in turn.</summary>
public class LinearTests
{
    private static readonly DType[] WeightTypes = [DType.F32, DType.BF16, DType.F16, DType.F64];

    /// <summary>(backend, rows, in, out): odd sizes in turn, and sizes beyond each block of the fast form.</summary>
    public static IEnumerable<object[]> Shapes
    {
        get
        {
            var odd = Data.OddSizes;
            (int, int, int)[] shapes =
            [
                .. odd.Select(n => (n, 70, 50)), .. odd.Select(n => (43, n, 50)), .. odd.Select(n => (43, 70, n)),
                .. odd.Select(n => (7, n, 50)), .. odd.Select(n => (7, 70, n)),
                (32, 64, 48), (33, 64, 48), (40, 300, 100), (5, 2100, 9), (41, 2100, 50), (521, 20, 60),
                (1031, 290, 170), (70, 514, 49),
            ];
            return Subjects.Names.SelectMany(name => shapes.Select(s => new object[] { name, s.Item1, s.Item2, s.Item3 }));
        }
    }

    public static IEnumerable<object[]> Types => Subjects.With([.. WeightTypes.Cast<object>()]);

    [SkippableTheory]
    [MemberData(nameof(Shapes))]
    public void EqualsTheTwin(string name, int rows, int inputs, int outputs)
    {
        using var backend = Subjects.Create(name);
        foreach (var dtype in WeightTypes)
        {
            Compare(backend, name, dtype, rows, inputs, outputs, bias: false, 1, accumulate: false);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void ScaleBiasAndAccumulate(string name, DType dtype)
    {
        using var backend = Subjects.Create(name);
        foreach (var rows in new[] { 1, 2, 7, 36 })
        {
            foreach (var (scale, bias, accumulate) in new[] { (0.5f, true, false), (2f, false, true), (1f, true, true), (-1.7f, true, true) })
            {
                Compare(backend, name, dtype, rows, 333, 101, bias, scale, accumulate);
                Compare(backend, name, dtype, rows, 334, 101, bias, scale, accumulate);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void ARowDoesNotDependOnTheRowsBesideIt(string name)
    {
        using var backend = Subjects.CreateCpu(name, 2);
        using var weight = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 50, 700));
        var x = Data.Uniform(80 * 700, 2);
        foreach (var (all, part) in new[] { (32, 3), (80, 37) })
        {
            Assert.Equal(Rows(all)[..(part * 50)], Rows(part));
        }

        double[] Rows(int rows)
        {
            var y = backend.Allocate(new Shape(rows, 50));
            backend.Linear(Data.Tensor(backend, x[..(rows * 700)], new Shape(rows, 700)), weight, null, y);
            return Data.Read(backend, y);
        }
    }

    private static void Compare(
        IBackend backend, string name, DType dtype, int rows, int inputs, int outputs, bool bias, float scale, bool accumulate)
    {
        using var twin = new ReferenceBackend<double>();
        Data.AssertClose(Run(twin), Run(backend), Tolerances.OfLinear(dtype), $"{name} {dtype} [{rows}, {inputs}] x [{outputs}, {inputs}]");

        double[] Run(IBackend b)
        {
            using var weight = b.LoadWeight(Data.Weight(dtype, 11, MathF.Sqrt(3f / inputs), outputs, inputs));
            using var vector = bias ? b.LoadWeight(Data.Weight(dtype, 12, 1, outputs)) : null;
            var x = Data.Tensor(b, Data.Uniform((long)rows * inputs, 13), new Shape(rows, inputs));
            var y = Data.Tensor(b, Data.Uniform((long)rows * outputs, 14), new Shape(rows, outputs));
            b.Linear(x, weight, vector, y, scale, accumulate);
            return Data.Read(b, y);
        }
    }
}
