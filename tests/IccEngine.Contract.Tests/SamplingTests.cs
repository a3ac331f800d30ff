using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Choosing tokens, their probabilities, nearest centres, copies of pages.</summary>
public class SamplingTests
{
    /// <summary>Options that switch each warper on, alone and together.</summary>
    private static readonly SamplingOptions[] _options =
    [
        SamplingOptions.Greedy, new(1), new(0.3), new(5), new(1, TopK: 1), new(1.5, TopK: 7), new(1, TopP: 0.5), new(2, TopP: 0.95),
        new(1, MinP: 0.2), new(1.7, 20, 0.8, 0.05), new(1e-30), new(1e30, 3), new(1, 0, 1e-9), new(1, 0, 1, 1),
    ];

    private static readonly double[] _uniforms = [0, 0.25, 0.5, 0.9, 1 - 1e-16];

    public static IEnumerable<object[]> Sizes => Subjects.With([.. Data.OddSizes.Append(3001).Cast<object>()]);

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void Tokens_are_those_of_the_twin(string name, int vocabulary)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<float>();
        var values = Logits(vocabulary);
        int[] some = [.. Enumerable.Range(0, vocabulary).Where(i => i % 3 == 0)];
        int[] own = [.. Enumerable.Range(0, 5).SelectMany(r => Enumerable.Range(0, vocabulary).Where(i => i % (r + 1) == 0))];
        var ends = Enumerable.Range(0, 5).Select(r => (vocabulary + r) / (r + 1)).ToArray();
        for (var r = 1; r < 5; r++)
        {
            ends[r] += ends[r - 1];
        }
        values[0] = float.NaN;
        values[3 * vocabulary - 1] = float.NaN;
        foreach (var options in Subjects.CudaNames.Contains(name) && vocabulary > 100 ? _options[9..10] : _options)
        {
            foreach (var mask in new[] { 0, 1, 2 })
            {
                (int[] Ids, double[] Logs) Run(IBackend on)
                {
                    var (ids, logs) = (new int[5], new double[5]);
                    var allowed = mask == 0 ? default : mask == 1 ? new AllowedIds(some) : new AllowedIds(own, ends);
                    on.Sample(Data.Tensor(on, values, new Shape(5, vocabulary)), allowed, options, _uniforms, ids, logs);
                    return (ids, logs);
                }
                var (expected, found) = (Run(twin), Run(backend));
                Assert.Equal(expected.Ids, found.Ids);
                Assert.Equal(expected.Logs, found.Logs); // whole numbers: equal to the bit
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Sizes))]
    public void LogProbabilities(string name, int vocabulary)
    {
        using var backend = Subjects.Create(name);
        var values = Logits(vocabulary);
        int[] ids = [.. Enumerable.Range(0, vocabulary).Where(i => i % 4 == 0)];
        int[] own = [0, vocabulary - 1, 0, vocabulary / 2, vocabulary - 1];
        var logits = Data.Tensor(backend, values, new Shape(5, vocabulary));
        foreach (var among in new[] { false, true })
        {
            var found = new double[5 * ids.Length];
            backend.LogProbabilities(logits, ids, among, found);
            var single = new double[5];
            backend.LogProbabilities(logits, new AllowedIds(own, [1, 2, 3, 4, 5]), among, single);
            for (var row = 0; row < 5; row++)
            {
                var x = values.AsSpan(row * vocabulary, vocabulary).ToArray();
                var set = among ? [.. ids.Select(i => x[i])] : x;
                var (max, sum) = ((double)set.Max(), 0.0);
                Array.ForEach(set, v => sum += v == max ? 1 : Math.Exp(v - max));
                double Log(float v) => (v == max ? 0 : v - max) - Math.Log(sum);
                // Weights are rounded to 2^-41 each.
                Data.AssertClose([.. ids.Select(i => Log(x[i]))], found[(row * ids.Length)..((row + 1) * ids.Length)], new(1e-9, 1e-12), name);
                Data.AssertClose([among ? 0 : Log(x[own[row]])], single[row..(row + 1)], new(1e-9, 1e-12), name);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void Warpers_follow_one_another_as_in_Hugging_Face(string name)
    {
        using var backend = Subjects.Create(name);
        // Probabilities 0.4, 0.3, 0.2, 0.1 at temperature 1.
        var logits = Data.Tensor(backend, [MathF.Log(0.2f), MathF.Log(0.4f), MathF.Log(0.1f), MathF.Log(0.3f)], new Shape(1, 4));
        int[] Possible(SamplingOptions options)
        {
            var seen = new SortedSet<int>();
            for (var i = 0; i < 100; i++)
            {
                var id = new int[1];
                backend.Sample(logits, default, options, [(i + 0.5) / 100], id, []);
                seen.Add(id[0]);
            }
            return [.. seen];
        }
        Assert.Equal([0, 1, 2, 3], Possible(new(1)));
        Assert.Equal([1, 3], Possible(new(1, TopK: 2)));
        Assert.Equal([1, 3], Possible(new(1, TopP: 0.6)));
        Assert.Equal([0, 1, 3], Possible(new(1, TopP: 0.75)));
        // Top p is of what top k left: 0.4 / 0.7 is above 0.55, though 0.4 is not.
        Assert.Equal([1], Possible(new(1, TopK: 2, TopP: 0.55)));
        // The temperature comes first: at 0.5 the likeliest has 16 / 30, above 0.5; at 2 it has 0.325.
        Assert.Equal([1], Possible(new(0.5, TopP: 0.5)));
        Assert.Equal([1, 3], Possible(new(2, TopP: 0.5)));
        // 0.2 / 0.4 is below 0.6; at temperature 2 it is 0.707.
        Assert.Equal([1, 3], Possible(new(1, MinP: 0.6)));
        Assert.Equal([0, 1, 3], Possible(new(2, MinP: 0.6)));
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Unchecked), MemberType = typeof(Subjects))]
    public void Draws_have_the_distribution(string name)
    {
        using var backend = Subjects.Create(name);
        const int draws = 2000;
        float[] row = [0.5f, -1, 2, 1.5f, 0, -0.3f];
        var rows = Enumerable.Repeat(row, draws).SelectMany(r => r).ToArray();
        var random = new Random(11);
        var ids = new int[draws];
        var options = new SamplingOptions(1.3);
        backend.Sample(
            Data.Tensor(backend, rows, new Shape(draws, row.Length)), default, options, [.. ids.Select(_ => random.NextDouble())], ids, []);
        var weights = row.Select(v => Math.Exp(v / 1.3)).ToArray();
        var chi = 0.0;
        for (var i = 0; i < row.Length; i++)
        {
            var expected = draws * weights[i] / weights.Sum();
            chi += Math.Pow(ids.Count(id => id == i) - expected, 2) / expected;
        }
        Assert.InRange(chi, 0, 20.5); // 99.9 % of chi-square with 5 degrees of freedom
    }

    /// <summary>To the bit, and with points as far from several centres.</summary>
    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void Nearest_centres_are_those_of_the_twin(string name)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        foreach (var (sets, k, d, n) in new[] { (1, 1, 1, 1), (3, 2, 31, 3), (1, 7, 3, 129), (2, 33, 5, 700), (20, 3, 3, 257), (1, 9, 300, 300), (0, 1, 2, 5) })
        {
            foreach (var steps in new[] { 1 << 20, 3 }) // numbers of few values: many distances are equal
            {
                (int[] Labels, double[] Squared) Run(IBackend on)
                {
                    Tensor New(Shape shape, int seed)
                    {
                        var x = on.Allocate(shape, DType.F64);
                        on.Write(Array.ConvertAll(Data.Uniform(shape.Elements, seed), v => Math.Round(v * steps) / steps), x);
                        return x;
                    }
                    var (labels, squared) = (new int[sets * n], new double[sets * n]);
                    on.NearestCentre(New(new Shape(d, n), 1), New(new Shape(sets, k, d), 2), labels, squared);
                    return (labels, squared);
                }
                var (expected, found) = (Run(twin), Run(backend));
                Assert.Equal(expected.Labels, found.Labels);
                Assert.Equal(expected.Squared, found.Squared);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void Wrong_arguments_are_refused(string name)
    {
        using var backend = Subjects.Create(name);
        var x = backend.Allocate(new Shape(2, 3));
        void Throws(Action action) => Assert.Throws<ArgumentException>(action);
        void Sample(int[] ids, SamplingOptions options, double[] uniforms, int room) =>
            backend.Sample(x, ids, options, uniforms, new int[room], []);
        Throws(() => Sample([3], SamplingOptions.Greedy, [], 2));
        Throws(() => Sample([-1], SamplingOptions.Greedy, [], 2));
        Throws(() => Sample([1, 1], SamplingOptions.Greedy, [], 2));
        Throws(() => Sample([], SamplingOptions.Greedy, [], 1));
        Throws(() => Sample([], new(1), [0], 2));
        Throws(() => Sample([], new(1), [0, 1], 2));
        Throws(() => Sample([], new(1), [0, double.NaN], 2));
        Throws(() => Sample([], new(-1), [0, 0], 2));
        Throws(() => Sample([], new(1, 0, 0), [0, 0], 2));
        Throws(() => backend.Sample(x, new AllowedIds([0, 1], [1, 1]), SamplingOptions.Greedy, [], new int[2], []));
        Throws(() => backend.Sample(x, new AllowedIds([0, 1], [1]), SamplingOptions.Greedy, [], new int[2], []));
        Throws(() => backend.LogProbabilities(x, default, false, new double[6]));
        Throws(() => backend.LogProbabilities(x, (int[])[1], false, new double[1]));
        var (points, centres) = (backend.Allocate(new Shape(3, 2), DType.F64), backend.Allocate(new Shape(2, 4, 3), DType.F64));
        Throws(() => backend.NearestCentre(points, centres, new int[3], new double[4]));
        Throws(() => backend.NearestCentre(points, centres, new int[4], new double[3]));
        Throws(() => backend.NearestCentre(points.Reshape(new Shape(2, 3)), centres, new int[6], new double[6]));
        Throws(() => backend.NearestCentre(points, centres.Reshape(new Shape(8, 3)), new int[4], new double[4]));
        Throws(() => backend.NearestCentre(backend.Allocate(new Shape(3, 2), DType.F32), centres, new int[4], new double[4]));
        Throws(() => backend.NearestCentre(points, backend.Allocate(new Shape(2, 0, 3), DType.F64), new int[4], new double[4]));
        backend.NearestCentre(points, centres, new int[4], new double[4]);
        using var cache = backend.CreateKvCache(new KvShape(1, 1, 16, 16, 2));
        Throws(() => backend.CopyPage(cache, 0, 2));
        Throws(() => backend.CopyPage(cache, -1, 0));
        Sample([0, 2], new(1), [0, 0], 2);
    }

    /// <summary>Five rows: two usual ones, one of few values, one of extremes, one of zeros of both signs.</summary>
    private static float[] Logits(int vocabulary)
    {
        var values = Data.Uniform(5 * vocabulary, 10, 6);
        for (var i = 0; i < vocabulary; i++)
        {
            values[vocabulary + i] = i % 5;
            values[3 * vocabulary + i] = i % 7 == 3 ? float.NegativeInfinity : values[3 * vocabulary + i] * 1000;
            values[4 * vocabulary + i] = i % 2 == 0 ? -0f : 0f;
        }
        return values;
    }
}
