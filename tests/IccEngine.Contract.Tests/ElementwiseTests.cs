using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The operations on independent elements and rows.</summary>
public class ElementwiseTests
{
    /// <summary>Every backend and odd size, and one beyond the piece that a thread takes.</summary>
    public static IEnumerable<object[]> Sizes => Subjects.With([.. Data.OddSizes.Append(70_001).Cast<object>()]);

    public static IEnumerable<object[]> WeightTypes => Subjects.With(DType.F32, DType.BF16, DType.F16, DType.F64);

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void SiluMultiply(string name, int n) => Compare(name, Tolerances.SiluMultiply, backend =>
    {
        var gate = Data.Tensor(backend, Data.Uniform(n, 3, 20), new Shape(n));
        backend.SiluMultiply(gate, Data.Tensor(backend, Data.Uniform(n, 4), new Shape(n)), gate);
        return gate;
    });

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void SiluOfExtremesIsFinite(string name)
    {
        using var backend = Subjects.Create(name);
        float[] extremes = [0, -0f, 1e-30f, -1e-30f, 88, -88, 104, -104, 1e4f, -1e4f, 1e30f, -1e30f, float.MaxValue, float.MinValue, -90, 17];
        var y = backend.Allocate(new Shape(extremes.Length));
        var one = Data.Tensor(backend, Array.ConvertAll(extremes, _ => 1f), y.Shape);
        backend.SiluMultiply(Data.Tensor(backend, extremes, y.Shape), one, y);
        var values = Data.Read(backend, y);
        for (var i = 0; i < extremes.Length; i++)
        {
            var expected = extremes[i] / (1 + Math.Exp(-(double)extremes[i]));
            // Below -88 the exponential leaves float32, and what remains is zero or nearly so.
            Assert.InRange(values[i], expected - 1e-6 * Math.Abs(expected) - 1e-35, expected + 1e-6 * Math.Abs(expected) + 1e-35);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void Clear(string name, int n) => Compare(name, Tolerances.Exact, backend =>
    {
        var x = Data.Tensor(backend, Data.Uniform(n, 5), new Shape(n));
        backend.Clear(x);
        return x;
    });

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void WriteAndRead(string name, int n)
    {
        using var backend = Subjects.Create(name);
        var doubles = Array.ConvertAll(Data.Uniform(n, 6), v => v * 1.000000123);
        var x = backend.Allocate(new Shape(n));
        backend.Write(doubles, x);
        var singles = new float[n];
        backend.Read(x, singles);
        Assert.Equal(Array.ConvertAll(doubles, v => (float)v), singles);
        Assert.Equal(Array.ConvertAll(doubles, v => (double)(float)v), Data.Read(backend, x));
    }

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void RmsNorm(string name, int n)
    {
        foreach (var rows in n > 1000 ? [1, 3] : Data.OddSizes)
        {
            Compare(name, Tolerances.RmsNorm, backend =>
            {
                using var weight = backend.LoadWeight(Data.Weight(DType.F32, 7, 2, n));
                var x = Data.Tensor(backend, Data.Uniform((long)rows * n, 8), new Shape(rows, n));
                backend.RmsNorm(x, weight, 1e-5f, x);
                return x;
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(WeightTypes))]
    public void Embed(string name, DType dtype)
    {
        foreach (var hidden in Data.OddSizes)
        {
            Compare(name, dtype == DType.F64 ? Tolerances.Add : Tolerances.Exact, backend =>
            {
                using var table = backend.LoadWeight(Data.Weight(dtype, 9, 1, 40, hidden));
                var y = backend.Allocate(new Shape(5, hidden));
                backend.Embed(table, [39, 0, 7, 7, 12], y);
                return y;
            });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void Greedy(string name, int vocabulary)
    {
        using var backend = Subjects.Create(name);
        const int rows = 5;
        var values = Data.Uniform(rows * vocabulary, 10);
        Array.Fill(values, 2f, 3 * vocabulary, vocabulary); // all equal: the first
        Array.Fill(values, float.NegativeInfinity, 4 * vocabulary, vocabulary);
        values[vocabulary - 1] = 3;                         // the last of the first row
        values[vocabulary + vocabulary / 2] = 3;            // two equals in the second row
        values[2 * vocabulary - 1] = 3;
        var best = new int[rows];
        backend.Sample(Data.Tensor(backend, values, new Shape(rows, vocabulary)), default, SamplingOptions.Greedy, [], best, []);
        var expected = Enumerable.Range(0, rows)
            .Select(r => Enumerable.Range(0, vocabulary).MaxBy(i => values[r * vocabulary + i])).ToArray();
        Assert.Equal(expected, best);
        Assert.Equal((vocabulary - 1, vocabulary / 2, 0, 0), (best[0], best[1], best[3], best[4]));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void GreedyAmongAllowed(string name)
    {
        using var backend = Subjects.Create(name);
        var logits = Data.Tensor(backend, [9, 1, 5, 5, 8, 0, 0, 2, 2, 7], new Shape(2, 5));
        var best = new int[2];
        backend.Sample(logits, (int[])[1, 2, 3], SamplingOptions.Greedy, [], best, []);
        Assert.Equal([2, 2], best);
    }

    private static void Compare(string name, Tolerance tolerance, Func<IBackend, Tensor> operation)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        Data.AssertClose(Data.Read(twin, operation(twin)), Data.Read(backend, operation(backend)), tolerance, name);
    }
}
