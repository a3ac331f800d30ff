using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Attention without taps: outputs, masks, batches, pages.</summary>
public class AttentionTests
{
    private static readonly (int Heads, int KvHeads)[] HeadCounts = [(4, 4), (4, 2), (6, 1), (10, 2), (32, 1)];

    public static IEnumerable<object[]> Lengths => Subjects.With([.. Data.OddSizes.Append(64).Append(600).Cast<object>()])
        .Where(c => c is not [TestBackends.CudaOnHostChecked, 600]);

    public static IEnumerable<object[]> HeadDims => Subjects.With(2, 16, 30, 32, 64, 80, 128, 256);

    public static IEnumerable<object[]> Groups => Subjects.With([.. HeadCounts.Select(h => (object)$"{h.Heads}/{h.KvHeads}")]);

    public static IEnumerable<object[]> PageSizes => Subjects.With(1, 3, 16, 64, 1000);

    public static IEnumerable<object[]> Windows => Subjects.With(1, 2, 31, 64, 65, 700);

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void PrefillOfOddLengths(string name, int rows) => Compare(name, new Scenario { Rows = [rows] });

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void DecodeAfterOddLengths(string name, int start)
    {
        foreach (var rows in new[] { 1, 2, 3, 4, 5, 11 })
        {
            Compare(name, new Scenario { Starts = [start], Rows = [rows] });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(HeadDims))]
    public void HeadSizes(string name, int headDim)
    {
        Compare(name, new Scenario { HeadDim = headDim, Rows = [33] });
        Compare(name, new Scenario { HeadDim = headDim, Starts = [80], Rows = [2] });
    }

    [SkippableTheory]
    [MemberData(nameof(Groups))]
    public void GroupedQueries(string name, string heads)
    {
        var counts = HeadCounts.First(h => $"{h.Heads}/{h.KvHeads}" == heads);
        foreach (var rows in new[] { 1, 2, 3, 33, 70 })
        {
            Compare(name, new Scenario { Heads = counts.Heads, KvHeads = counts.KvHeads, HeadDim = 16, Starts = [5], Rows = [rows] });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(PageSizes))]
    public void PagesAreReadWhereTheyLie(string name, int pageTokens)
    {
        Compare(name, new Scenario { PageTokens = pageTokens, Starts = [7], Rows = [131] });
        Compare(name, new Scenario { PageTokens = pageTokens, Starts = [131], Rows = [1] });
    }

    [SkippableTheory]
    [MemberData(nameof(Windows))]
    public void Window(string name, int window)
    {
        Compare(name, new Scenario { Mask = new(true, window), Rows = [131] });
        Compare(name, new Scenario { Mask = new(true, window), Starts = [700], Rows = [33] });
        Compare(name, new Scenario { Mask = new(true, window), Starts = [1300], Rows = [3] });
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void FullMask(string name)
    {
        Compare(name, new Scenario { Mask = new(false, null), Rows = [131] });
        Compare(name, new Scenario { Mask = new(false, null), Starts = [70], Rows = [3] });
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void RaggedBatchOfPrefillAndDecode(string name) => Compare(name, new Scenario
    {
        Starts = [0, 600, 0, 33, 1, 127],
        Rows = [31, 1, 1, 70, 2, 129],
    });

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void ExtremeScores(string name)
    {
        foreach (var (start, rows) in new[] { (0, 131), (600, 1) })
        {
            Compare(name, new Scenario { Starts = [start], Rows = [rows], Sharpness = 100 }, sharp: true);
            Compare(name, new Scenario { Starts = [start], Rows = [rows], Sharpness = 0 });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Unchecked), MemberType = typeof(Subjects))]
    public void ChunksEqualTheWhole(string name)
    {
        using var backend = Subjects.Create(name);
        var scenario = new Scenario { Rows = [300] };
        foreach (var chunk in new[] { 1, 7, 64, 150 })
        {
            Data.AssertClose(
                scenario.Run(backend).Outputs[0], scenario.Run(backend, chunk).Outputs[0], Tolerances.Attention, $"{name} by {chunk}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void ARowDoesNotDependOnTheRowsBesideIt(string name)
    {
        using var backend = Subjects.CreateCpu(name, 2);
        foreach (var mask in new[] { new AttentionMask(true, null), new(true, 70) })
        {
            // 300 rows at once, and by 10, 36 and 60 (more than 8 lanes each, as the backend promises no more).
            var scenario = new Scenario { Rows = [300], Mask = mask };
            var whole = scenario.Run(backend).Outputs[0];
            Assert.All(new[] { 10, 36, 60 }, chunk => Assert.Equal(whole, scenario.Run(backend, chunk).Outputs[0]));
            // One row at a time, alone and beside others.
            var one = new Scenario { Starts = [260], Rows = [1], Mask = mask };
            Assert.Equal(one.Run(backend).Outputs[0], (one with { Starts = [260, 3], Rows = [1, 99] }).Run(backend).Outputs[0]);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(HeadDims))]
    public void Probabilities(string name, int headDim)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        foreach (var mask in new[] { new AttentionMask(true, null), new(false, null), new(true, 20) })
        {
            var scenario = new Scenario { HeadDim = headDim, Mask = mask, Starts = [0, 40], Rows = [3, 33] };
            var found = scenario.Probabilities(backend, 1, 3);
            Data.AssertClose(scenario.Probabilities(twin, 1, 3), found, Tolerances.Probabilities, $"{name} {mask}");
            var columns = scenario.Length(1) + 3;
            for (var row = 0; row < 33; row++)
            {
                Assert.Equal(1, found.AsSpan(row * columns, columns).ToArray().Sum(), 1e-5);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(HeadDims))]
    public void RotateAndStoreRotates(string name, int headDim)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        var (expected, found) = (Rotated(twin), Rotated(backend));
        Data.AssertClose(expected.Query, found.Query, Tolerances.Rotate, name);
        Data.AssertClose(expected.Key, found.Key, Tolerances.Rotate, name);

        (double[] Query, double[] Key) Rotated(IBackend b)
        {
            const int rows = 19;
            var query = Data.Tensor(b, Data.Uniform(rows * 3 * headDim, 1), new Shape(rows, 3, headDim));
            var key = Data.Tensor(b, Data.Uniform(rows * headDim, 2), new Shape(rows, 1, headDim));
            var value = Data.Tensor(b, Data.Uniform(rows * headDim, 4), new Shape(rows, 1, headDim));
            var angles = Data.Uniform(rows * headDim / 2, 3, 10);
            var half = new Shape(rows, headDim / 2);
            var cos = Data.Tensor(b, Array.ConvertAll(angles, MathF.Cos), half);
            var sin = Data.Tensor(b, Array.ConvertAll(angles, MathF.Sin), half);
            using var cache = b.CreateKvCache(new KvShape(1, 1, headDim, 16, 2));
            b.RotateAndStore(query, key, value, cos, sin, cache, 0, new SequenceRows[] { new(0, rows, 0, new[] { 1, 0 }) });
            return (Data.Read(b, query), Data.Read(b, key));
        }
    }

    private static void Compare(string name, Scenario scenario, bool sharp = false)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        var (expected, found) = (scenario.Run(twin), scenario.Run(backend));
        for (var s = 0; s < expected.Outputs.Length; s++)
        {
            var tolerance = sharp ? Tolerances.SharpAttention : Tolerances.Attention;
            Data.AssertClose(expected.Outputs[s], found.Outputs[s], tolerance, $"{name}, sequence {s}");
        }
    }
}
