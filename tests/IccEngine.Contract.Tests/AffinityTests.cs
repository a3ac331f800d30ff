using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The operations on affinities, compared with the naive twin in float64.</summary>
public class AffinityTests
{
    /// <summary>Every backend with matrices of both types.</summary>
    public static IEnumerable<object[]> Types => Subjects.With(DType.F32, DType.F64);

    /// <summary>Every backend with matrices of both types, and forms in which each property stands with and without the others.</summary>
    public static IEnumerable<object[]> Forms =>
        from type in Types
        from form in new AffinityForm[]
        {
            default,
            new() { PowerMean = true },
            new() { WholeRows = true, PowerMean = true },
            new() { WholeRows = true, Absolute = true },
        }
        select (object[])[.. type, form];

    [SkippableTheory]
    [MemberData(nameof(Forms))]
    public void SumsAndMeans(string name, DType type, AffinityForm form)
    {
        foreach (var n in Data.OddSizes)
        {
            Compare(name, type, Tolerances.OfAffinity(type), (backend, of) =>
            {
                var sums = backend.Allocate(new Shape(n, n), of);
                for (var prompt = 0; prompt < 3; prompt++)
                {
                    // All points, half of them, and one: so that pairs meet twice, once and never.
                    var order = Order(n, prompt)[..Math.Max(1, prompt == 2 ? 1 : n / (prompt + 1))];
                    var s = order.Length;
                    backend.AddAffinity(Matrix(backend, s, s, prompt, of, lower: true, form.WholeRows), order, sums, form);
                }
                var before = Data.Read(backend, sums);
                backend.MeanAffinity(sums, form);
                return [.. before, .. Data.Read(backend, sums)];
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void Float32AttentionIsAddedToFloat64Sums(string name)
    {
        const int n = 33;
        Compare(name, DType.F64, Tolerances.OfAffinity(DType.F64), (backend, _) =>
        {
            var sums = backend.Allocate(new Shape(n, n), DType.F64);
            backend.AddAffinity(Matrix(backend, n, n, 4, DType.F32, lower: true), Order(n, 4), sums, default);
            return Data.Read(backend, sums);
        });
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void NeighbourLabels(string name, DType type)
    {
        foreach (var n in Data.OddSizes)
        {
            Compare(name, type, Tolerances.Exact, (backend, of) =>
            {
                var values = new double[n * n];
                var random = new Random(n);
                for (var edge = 0; edge < n; edge++)
                {
                    var (i, j) = (random.Next(n), random.Next(n));
                    values[i * n + j] = values[j * n + i] = edge % 2 == 0 ? 1e-30 : -1;
                }
                var labels = Array.ConvertAll(new int[n], _ => random.Next(n));
                var others = new int[n];
                backend.NeighbourLabels(Tensor(backend, values, new Shape(n, n), of), labels, others);
                return Array.ConvertAll(others, o => (double)o);
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void NormalisedAffinitiesAreSymmetricToTheBit(string name, DType type)
    {
        foreach (var n in Data.OddSizes)
        {
            Compare(name, type, Tolerances.OfAffinity(type), (backend, of) =>
            {
                var values = new double[n * n];
                var random = new Random(n);
                for (var i = 0; i < n * n; i++)
                {
                    values[i] = i % n <= i / n ? random.NextSingle() : 0;
                }
                Mirror(values, n);
                var roots = Enumerable.Range(0, n).Select(i => (double)(0.1f + i % 7)).ToArray();
                var a = Tensor(backend, values, new Shape(n, n), of);
                backend.NormaliseAffinity(a, Tensor(backend, roots, new Shape(n), of));
                var found = Data.Read(backend, a);
                Assert.All(Enumerable.Range(0, n * n), i => Assert.Equal(found[i % n * n + i / n], found[i]));
                return found;
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void SymmetricProduct(string name, DType type)
    {
        foreach (var n in Data.OddSizes.Append(700))
        {
            Compare(name, type, Tolerances.OfDots(type), (backend, of) =>
            {
                var x = Matrix(backend, 3, n, 5, of);
                var values = Array.ConvertAll(Data.Uniform((long)n * n, 6), v => (double)v);
                Mirror(values, n);
                backend.SymmetricProduct(Tensor(backend, values, new Shape(n, n), of), x.Row(1), x.Row(2));
                return Data.Read(backend, x);
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void Orthonormalise(string name, DType type)
    {
        foreach (var (rows, n) in new[] { (0, 1), (0, 33), (1, 2), (2, 3), (3, 31), (31, 33), (33, 129), (129, 700), (2, 2100) })
        {
            Compare(name, type, Tolerances.OfDots(type), (backend, of) =>
            {
                // A basis by the operation itself, row by row, and then a vector outside it.
                var basis = Matrix(backend, rows + 1, n, 7 + n, of);
                var parts = new double[rows];
                var norm = 0.0;
                for (var r = 0; r <= rows; r++)
                {
                    norm = backend.Orthonormalise(basis.Rows(0, r), basis.Row(r), parts.AsSpan(0, r));
                }
                var values = Data.Read(backend, basis);
                for (var i = 0; i <= rows; i++)
                {
                    for (var j = 0; j <= i; j++)
                    {
                        var dot = Enumerable.Range(0, n).Sum(c => values[i * n + c] * values[j * n + c]);
                        Assert.InRange(dot - (i == j ? 1 : 0), -Tolerances.OfDots(of).Absolute, Tolerances.OfDots(of).Absolute);
                    }
                }
                // How near a vector is to the space of nearly as many others decides how its digits fare: compared where there is room.
                return rows < n / 2 ? [norm, .. parts, .. values] : [];
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void NothingLeftStaysNothing(string name, DType type)
    {
        using var backend = Subjects.Create(name);
        var w = backend.Allocate(new Shape(5), type);
        Assert.Equal(0, backend.Orthonormalise(Matrix(backend, 2, 5, 1, type), w, new double[2]));
        Assert.All(Data.Read(backend, w), v => Assert.Equal(0, v));
    }

    [SkippableTheory]
    [MemberData(nameof(Types))]
    public void CopiesKeepTheDigitsOfTheTensor(string name, DType type)
    {
        using var backend = Subjects.Create(name);
        var doubles = Array.ConvertAll(Data.Uniform(129, 6), v => v * 1.000000123);
        var x = backend.Allocate(new Shape(129), type);
        Assert.Equal(type, x.DType);
        Assert.All(Data.Read(backend, x), v => Assert.Equal(0, v));
        backend.Write(doubles, x);
        Assert.Equal(type == DType.F64 ? doubles : Array.ConvertAll(doubles, v => (double)(float)v), Data.Read(backend, x));
        var singles = new float[129];
        backend.Read(x, singles);
        Assert.Equal(Array.ConvertAll(doubles, v => (float)v), singles);
        backend.Write(singles, x);
        Assert.Equal(Array.ConvertAll(singles, v => (double)v), Data.Read(backend, x));
        backend.Clear(x);
        Assert.All(Data.Read(backend, x), v => Assert.Equal(0, v));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void WrongArgumentsAreRefused(string name)
    {
        using var backend = Subjects.Create(name);
        Tensor New(DType type, params int[] d) => backend.Allocate(d.Length == 1 ? new Shape(d[0]) : new Shape(d[0], d[1]), type);
        void Throws(Action action) => Assert.Throws<ArgumentException>(action);
        Throws(() => New(DType.I32, 3));
        var (a, x, y) = (New(DType.F64, 3, 3), New(DType.F64, 3), New(DType.F64, 3));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [0], a, default));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [1, 1], a, default));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [0, 3], a, default));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [0, -1], a, default));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [0, 1], New(DType.F32, 3, 3), default));
        Throws(() => backend.AddAffinity(New(DType.F64, 2, 2), [0, 1], New(DType.F64, 3, 2), default));
        Throws(() => backend.MeanAffinity(New(DType.F64, 3, 2), default));
        Throws(() => backend.MeanAffinity(x, default));
        Throws(() => backend.NeighbourLabels(a, [0, 1], new int[3]));
        Throws(() => backend.NeighbourLabels(a, [0, 1, 2], new int[2]));
        Throws(() => backend.NormaliseAffinity(a, New(DType.F32, 3)));
        Throws(() => backend.NormaliseAffinity(a, New(DType.F64, 2)));
        Throws(() => backend.SymmetricProduct(a, x, x));
        Throws(() => backend.SymmetricProduct(a, New(DType.F32, 3), y));
        Throws(() => backend.SymmetricProduct(a, x, New(DType.F64, 4)));
        Throws(() => backend.Orthonormalise(a, x, new double[2]));
        Throws(() => backend.Orthonormalise(a, a.Row(1), new double[3]));
        Throws(() => backend.Orthonormalise(a, New(DType.F64, 2), new double[3]));
        Throws(() => backend.SiluMultiply(x, x, x));
        backend.SymmetricProduct(a, x, y);
    }

    private static int[] Order(int n, int seed)
    {
        var order = Enumerable.Range(0, n).ToArray();
        new Random(seed).Shuffle(order);
        return order;
    }

    /// <summary>
    /// Numbers within [-1, 1]; or pooled attention, positive below the diagonal, of whole rows above it too, and not to be looked at elsewhere.
    /// </summary>
    private static Tensor Matrix(IBackend backend, int rows, int columns, int seed, DType type, bool lower = false, bool whole = false)
    {
        var values = Array.ConvertAll(Data.Uniform((long)rows * columns, seed), v => lower ? Math.Abs((double)v) : v);
        for (var i = 0; lower && i < values.Length; i++)
        {
            values[i] = i % columns < i / columns || (whole && i % columns > i / columns) ? values[i] : double.NaN;
        }
        return Tensor(backend, values, new Shape(rows, columns), type);
    }

    /// <summary>Makes a matrix [n, n] symmetric: what is above the diagonal becomes what is below it.</summary>
    private static void Mirror(double[] values, int n)
    {
        for (var i = 0; i < n * n; i++)
        {
            values[i] = i % n <= i / n ? values[i] : values[i % n * n + i / n];
        }
    }

    private static Tensor Tensor(IBackend backend, double[] values, Shape shape, DType type)
    {
        var tensor = backend.Allocate(shape, type);
        backend.Write(values, tensor);
        return tensor;
    }

    private static void Compare(string name, DType type, Tolerance tolerance, Func<IBackend, DType, double[]> operation)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        Data.AssertClose(operation(twin, DType.F64), operation(backend, type), tolerance, name);
    }
}
