using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Attention pooled over spans: against the twin, and the invariants that hold without one.</summary>
public class TapTests
{
    /// <summary>Spans of many lengths with gaps, and singles in and out of them, in any order.</summary>
    private static readonly TapSpec Mixed = new(
        [new(0, 1), new(1, 2), new(4, 40), new(40, 41), new(60, 70), new(71, 135), new(136, 137), new(150, 151)],
        [150, 0, 3, 62, 136, 70, 199, 40]);

    /// <summary>The backends and ways to cut 200 tokens: whole; a few rows after a prefix; chunks.</summary>
    public static IEnumerable<object[]> Ways => Subjects.With("whole", "rows 190 on", "rows 198 on", "by 1", "by 3", "by 48", "by 129")
        .Where(w => w is not [TestBackends.CudaOnHostChecked, "by 1" or "by 3" or "by 48"]); // many calls like the others

    [SkippableTheory]
    [MemberData(nameof(Ways))]
    public void EqualsTheTwin(string name, string way)
    {
        foreach (var mask in new[] { new AttentionMask(true, null), new(true, 50), new(false, null) })
        {
            foreach (var perHead in new[] { false, true })
            {
                var start = way == "rows 190 on" ? 190 : way == "rows 198 on" ? 198 : 0;
                var scenario = new Scenario
                {
                    Mask = mask,
                    Starts = [start],
                    Rows = [200 - start],
                    Taps = [Mixed with { PerHead = perHead }],
                };
                // Keys that are not in the cache yet cannot be seen, so under a full mask chunks differ from the whole; the twin is cut alike.
                var chunk = way.StartsWith("by ", StringComparison.Ordinal) ? int.Parse(way[3..]) : int.MaxValue;
                Compare(name, scenario, chunk, Tolerances.Probabilities, $"{way} {mask} {perHead}");
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void EachTensorMayBeWantedAlone(string name)
    {
        foreach (var (start, rows) in new[] { (0, 200), (135, 3) })
        {
            foreach (var tap in new[] { Mixed with { Singles = [] }, Mixed with { Spans = [] } })
            {
                Compare(name, new Scenario { Starts = [start], Rows = [rows], Taps = [tap] }, int.MaxValue, Tolerances.Probabilities, "alone");
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void GroupsOfHeads(string name)
    {
        foreach (var (heads, kvHeads) in new[] { (3, 3), (5, 1), (32, 1), (12, 4) })
        {
            foreach (var perHead in new[] { false, true })
            {
                Compare(
                    name, new Scenario { Heads = heads, KvHeads = kvHeads, HeadDim = 16, Rows = [200], Taps = [Mixed with { PerHead = perHead }] },
                    61, Tolerances.Probabilities, $"{heads}/{kvHeads}");
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void HeadSizes(string name)
    {
        foreach (var headDim in new[] { 30, 80, 128, 256 })
        {
            Compare(name, new Scenario { HeadDim = headDim, Rows = [160], Taps = [Mixed] }, 90, Tolerances.Probabilities, $"heads of {headDim}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void SeveralSequencesOfABatch(string name) => Compare(
        name,
        new Scenario
        {
            Starts = [0, 600, 20, 100],
            Rows = [151, 2, 33, 50],
            Taps = [Mixed, new([new(3, 500), new(500, 602)], [601, 7]), null, Mixed with { PerHead = true }],
        },
        int.MaxValue, Tolerances.Probabilities, "batch");

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void HundredsOfSpans(string name)
    {
        var spans = Enumerable.Range(0, 300).Select(i => new TokenSpan(1 + i * 2, 2 + i * 2 + i % 2)).ToArray();
        Compare(name, new Scenario { Heads = 2, HeadDim = 16, Rows = [610], Taps = [new(spans, [0, 5, 609])] }, 200, Tolerances.Probabilities, "spans");
        Compare(
            name, new Scenario { Heads = 2, HeadDim = 16, Starts = [1400], Rows = [2], Taps = [new([.. spans, new(1100, 1402)], [1400, 1401, 3, 1030])] },
            int.MaxValue, Tolerances.Probabilities, "decode");
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void SpansThatBeginLaterAreNotTouched(string name) =>
        Compare(name, new Scenario { Rows = [100], Taps = [Mixed] }, int.MaxValue, Tolerances.Probabilities, "part of the spans");

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void ExtremeScores(string name)
    {
        foreach (var start in new[] { 0, 199 })
        {
            var scenario = new Scenario { Starts = [start], Rows = [200 - start], Taps = [Mixed], Sharpness = 100 };
            Compare(name, scenario, int.MaxValue, Tolerances.SharpProbabilities, "sharp");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void RowsSumToOneWhereSpansCoverEverything(string name)
    {
        using var backend = Subjects.Create(name);
        TokenSpan[] spans = [new(0, 3), new(3, 4), new(4, 100), new(100, 131), new(131, 200)];
        var tap = new Scenario { Rows = [200], Taps = [new(spans, [0, 77])], WantsOutput = false }.Run(backend).Taps[0]!;
        for (var i = 0; i < spans.Length; i++)
        {
            Assert.Equal(1, Enumerable.Range(0, spans.Length).Sum(j => tap.SpanToSpan[i * spans.Length + j] * spans[j].Length), 3e-6);
        }
        for (var o = 0; o < 2; o++)
        {
            Assert.Equal(1, Enumerable.Range(0, spans.Length).Sum(j => tap.SingleToSpan[o * spans.Length + j] * spans[j].Length), 3e-6);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void UniformScoresGiveTheClosedForm(string name)
    {
        using var backend = Subjects.Create(name);
        var scenario = new Scenario { Rows = [200], Taps = [Mixed], Sharpness = 0 };
        var spans = Mixed.Spans;
        // Query q sees q + 1 keys, each with 1 / (q + 1).
        var expected = spans.SelectMany(i => spans.Select(j =>
            Enumerable.Range(i.Start, i.Length).Sum(q => Math.Clamp(q + 1 - j.Start, 0, j.Length) / (q + 1.0)) / (i.Length * (double)j.Length)));
        Data.AssertClose([.. expected], scenario.Run(backend).Taps[0]!.SpanToSpan, Tolerances.Probabilities, name);
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void HalvesOfASpanMergeByTheirLengths(string name)
    {
        using var backend = Subjects.Create(name);
        double[] Run(params TokenSpan[] spans) =>
            new Scenario { Rows = [200], Taps = [new(spans, [])], WantsOutput = false }.Run(backend).Taps[0]!.SpanToSpan;
        var whole = Run(new(10, 90), new(100, 180));
        var parts = Run(new(10, 90), new(100, 123), new(123, 180));
        double[] merged =
        [
            parts[0], (parts[1] * 23 + parts[2] * 57) / 80, (parts[3] * 23 + parts[6] * 57) / 80,
            (23 * (parts[4] * 23 + parts[5] * 57) + 57 * (parts[7] * 23 + parts[8] * 57)) / (80 * 80),
        ];
        Data.AssertClose(whole, merged, Tolerances.Probabilities, name);
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void PermutingHeadsChangesNothing(string name)
    {
        using var backend = Subjects.Create(name);
        var scenario = new Scenario { Rows = [200], Heads = 4, KvHeads = 1, Taps = [Mixed] };
        var expected = scenario.Run(backend).Taps[0]!;
        var found = (scenario with { HeadOrder = [2, 0, 3, 1] }).Run(backend).Taps[0]!;
        Data.AssertClose(expected.SpanToSpan, found.SpanToSpan, Tolerances.Probabilities, name);
        Data.AssertClose(expected.SingleToSingle, found.SingleToSingle, Tolerances.Probabilities, name);
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Unchecked), MemberType = typeof(Subjects))]
    public void ChunksEqualTheWhole(string name)
    {
        using var backend = Subjects.Create(name);
        var scenario = new Scenario { Rows = [200], Taps = [Mixed] };
        var whole = scenario.Run(backend).Taps[0]!;
        foreach (var chunk in new[] { 1, 4, 50 })
        {
            AssertClose(whole, scenario.Run(backend, chunk).Taps[0]!, Tolerances.Probabilities, $"{name} by {chunk}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void SinglesAreTheProbabilitiesThemselves(string name)
    {
        using var backend = Subjects.Create(name);
        var scenario = new Scenario { Rows = [200], Taps = [Mixed with { PerHead = true }] };
        var tap = scenario.Run(backend).Taps[0]!;
        var (n, columns) = (Mixed.Singles.Length, scenario.Length(0) + 3);
        for (var head = 0; head < scenario.Heads; head++)
        {
            var p = scenario.Probabilities(backend, 0, head);
            var expected = Mixed.Singles.SelectMany(o => Mixed.Singles.Select(k => p[o * columns + k])).ToArray();
            Data.AssertClose(expected, tap.SingleToSingle[(head * n * n)..((head + 1) * n * n)], Tolerances.Probabilities, name);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.All), MemberType = typeof(Subjects))]
    public void TapsDoNotChangeTheOutput(string name)
    {
        using var backend = Subjects.Create(name);
        foreach (var (start, rows) in new[] { (0, 200), (150, 2) })
        {
            var scenario = new Scenario { Starts = [start], Rows = [rows] };
            var tapped = scenario with { Taps = [Mixed] };
            Assert.Equal(scenario.Run(backend).Outputs[0], tapped.Run(backend).Outputs[0]);
            var expected = tapped.Run(backend).Taps[0]!;
            AssertClose(expected, (tapped with { WantsOutput = false }).Run(backend).Taps[0]!, Tolerances.Exact, name);
        }
    }

    private static void Compare(string name, Scenario scenario, int chunk, Tolerance tolerance, string what)
    {
        using var backend = Subjects.Create(name);
        using var twin = new ReferenceBackend<double>();
        var (expected, found) = (scenario.Run(twin, chunk), scenario.Run(backend, chunk));
        for (var s = 0; s < expected.Taps.Length; s++)
        {
            if (expected.Taps[s] is { } tap)
            {
                Assert.Contains([.. tap.SpanToSpan, .. tap.SingleToSpan, .. tap.SingleToSingle], v => v > 1e-4);
                AssertClose(tap, found.Taps[s]!, tolerance, $"{name} {what}, sequence {s}");
            }
        }
    }

    private static void AssertClose(TapResult expected, TapResult found, Tolerance tolerance, string what)
    {
        Data.AssertClose(expected.SpanToSpan, found.SpanToSpan, tolerance, $"{what}, spans to spans");
        Data.AssertClose(expected.SingleToSpan, found.SingleToSpan, tolerance, $"{what}, singles to spans");
        Data.AssertClose(expected.SingleToSingle, found.SingleToSingle, tolerance, $"{what}, singles to singles");
    }
}
