using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>
/// Attention of the CUDA backend that computes in bfloat16: against the twin on inputs that are rounded as the backend rounds them. Keys
/// and values are in the cache in bfloat16; queries are rounded where tensor cores multiply them, which is where heads have a multiple of
/// 8 elements.
/// </summary>
public class CudaBFloat16AttentionTests
{
    /// <summary>Spans of many lengths with gaps, and singles in and out of them, in any order.</summary>
    internal static readonly TapSpec Mixed = new(
        [new(0, 1), new(1, 2), new(4, 40), new(40, 41), new(60, 70), new(71, 135), new(136, 137), new(150, 151)],
        [150, 0, 3, 62, 136, 70, 199, 40]);

    private static readonly (int Heads, int KvHeads)[] HeadCounts = [(4, 4), (6, 1), (10, 2), (32, 1), (132, 1)];

    public static TheoryData<string> Names => [.. Subjects.CudaNames];

    public static IEnumerable<object[]> Lengths => With([.. Data.OddSizes, 300]).Where(c => c is not [TestBackends.CudaOnHostChecked, 2 or 31 or 127 or 300]);

    public static IEnumerable<object[]> HeadDims => With(2, 16, 30, 40, 64, 80, 90, 96, 128, 130, 256);

    public static IEnumerable<object[]> Groups => With([.. Enumerable.Range(0, HeadCounts.Length)]).Where(c => c is not [TestBackends.CudaOnHostChecked, 4]);

    public static IEnumerable<object[]> PageSizes => With(1, 3, 64, 1000);

    public static IEnumerable<object[]> Windows => With(1, 31, 64, 65, 700).Where(c => c is not [TestBackends.CudaOnHostChecked, 64 or 700]);

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void OddLengths(string name, int length)
    {
        Compare(name, new Scenario { Rows = [length] });
        foreach (var rows in new[] { 1, 3, 19 })
        {
            Compare(name, new Scenario { Starts = [length], Rows = [rows] });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(HeadDims))]
    public void HeadSizes(string name, int headDim)
    {
        Compare(name, new Scenario { HeadDim = headDim, Rows = [131], Taps = [Mixed] });
        Compare(name, new Scenario { HeadDim = headDim, Starts = [150], Rows = [2], Taps = [Mixed] });
    }

    [SkippableTheory]
    [MemberData(nameof(Groups))]
    public void GroupedQueries(string name, int counts)
    {
        var (heads, kvHeads) = HeadCounts[counts];
        foreach (var perHead in new[] { false, true })
        {
            var scenario = new Scenario { Heads = heads, KvHeads = kvHeads, HeadDim = 16, Taps = [Mixed with { PerHead = perHead }] };
            Compare(name, scenario with { Starts = [5], Rows = [70] });
            Compare(name, scenario with { Starts = [149], Rows = [3] });
        }
    }

    [SkippableTheory]
    [MemberData(nameof(PageSizes))]
    public void PagesAreReadWhereTheyLie(string name, int pageTokens)
    {
        Compare(name, new Scenario { PageTokens = pageTokens, Starts = [7], Rows = [131], Taps = [Mixed] });
        Compare(name, new Scenario { PageTokens = pageTokens, Starts = [131], Rows = [1], Taps = [Mixed] });
    }

    [SkippableTheory]
    [MemberData(nameof(Windows))]
    public void Window(string name, int window)
    {
        var mask = new AttentionMask(true, window);
        Compare(name, new Scenario { Mask = mask, Rows = [200], Taps = [Mixed] });
        Compare(name, new Scenario { Mask = mask, Starts = [700], Rows = [33] });
        Compare(name, new Scenario { Mask = mask, Starts = [1300], Rows = [3] });
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void FullMask(string name)
    {
        Compare(name, new Scenario { Mask = new(false, null), Rows = [200], Taps = [Mixed] });
        Compare(name, new Scenario { Mask = new(false, null), Starts = [70], Rows = [3], Taps = [Mixed] });
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void RaggedBatches(string name)
    {
        var scenario = new Scenario { Starts = [0, 600, 0, 33, 1, 127], Rows = [31, 1, 1, 70, 2, 129] };
        Compare(name, scenario);
        Compare(name, scenario with { Taps = [Mixed, new([new(3, 500), new(500, 601)], [600, 7]), null, Mixed with { PerHead = true }] });
        Compare(name, new Scenario { Starts = [600, 3, 40], Rows = [1, 2, 16], Taps = [new([new(3, 500)], [600]), null, Mixed] });
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void ExtremeScores(string name)
    {
        foreach (var (start, rows) in new[] { (0, 151), (150, 1) })
        {
            Compare(name, new Scenario { Starts = [start], Rows = [rows], Sharpness = 100, Taps = [Mixed] }, Tolerances.SharpRoundedProbabilities);
            Compare(name, new Scenario { Starts = [start], Rows = [rows], Sharpness = 0, Taps = [Mixed] });
        }
    }

    /// <summary>
    /// What is brought from one maximum to the next must not change where the maximum stays, however many tiles follow: the first keys keep
    /// their share.
    /// </summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void LongRowsDoNotDrift(string name)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        using var twin = new ReferenceBackend<double>();
        var tap = new TapSpec([new(0, 2000), new(2000, 12000), new(12000, 12040)], []);
        var scenario = new Scenario { Heads = 1, KvHeads = 1, HeadDim = 8, Starts = [12000], Rows = [40], Sharpness = 40, Taps = [tap] };
        var expected = (scenario with { RoundsCache = true, RoundsQueries = true }).Run(twin).Taps[0]!.SpanToSpan;
        foreach (var product in Products(backend, scenario))
        {
            backend.MatrixProduct = product;
            // Relatively, for the means are of thousands of keys. The twin has scores of up to 40 from the same numbers; an eps of 40 is 4e-6.
            Data.AssertClose(expected, scenario.Run(backend).Taps[0]!.SpanToSpan, new Tolerance(1e-12, 1e-5), $"{name} by {product}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void HundredsOfSpans(string name)
    {
        var spans = Enumerable.Range(0, 300).Select(i => new TokenSpan(1 + i * 2, 2 + i * 2 + i % 2)).ToArray();
        Compare(name, new Scenario { Heads = 2, HeadDim = 16, Rows = [610], Taps = [new(spans, [0, 5, 609])] });
        Compare(name, new Scenario { Heads = 2, HeadDim = 16, Starts = [1400], Rows = [2], Taps = [new([.. spans, new(1100, 1402)], [1400, 1401, 3])] });
    }

    /// <summary>A pair of long spans has many parts, which a warp adds up.</summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void FewLongSpans(string name) =>
        Compare(name, new Scenario { Heads = 2, KvHeads = 1, HeadDim = 16, Rows = [1100], Taps = [new([new(0, 1050), new(1051, 1053)], [])] });

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void ChunksEqualTheWhole(string name)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        var scenario = new Scenario { Rows = [200], Taps = [Mixed] };
        var whole = scenario.Run(backend);
        foreach (var chunk in new[] { 7, 48, 129 })
        {
            var chunks = scenario.Run(backend, chunk);
            // Weights are rounded relative to the largest so far, which depends on where tiles begin.
            var tolerance = new Tolerance(2 * Tolerances.RoundedAttention.Absolute, 0);
            Data.AssertClose(whole.Outputs[0], chunks.Outputs[0], tolerance, $"{name} by {chunk}");
            AssertClose(whole.Taps[0]!, chunks.Taps[0]!, Tolerances.RoundedProbabilities, $"{name} by {chunk}");
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void TapsDoNotChangeTheOutput(string name)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        foreach (var (start, rows) in new[] { (0, 200), (150, 2) })
        {
            var scenario = new Scenario { Starts = [start], Rows = [rows] };
            var tapped = scenario with { Taps = [Mixed] };
            foreach (var product in Products(backend, scenario))
            {
                backend.MatrixProduct = product;
                var result = tapped.Run(backend);
                Assert.Equal(scenario.Run(backend).Outputs[0], result.Outputs[0]);
                AssertClose(result.Taps[0]!, (tapped with { WantsOutput = false }).Run(backend).Taps[0]!, Tolerances.Exact, $"{name} by {product}");
            }
        }
    }

    /// <summary>Wgmma is used by itself where tiles are enough for the device without keys being split, with taps and without.</summary>
    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void ManyTilesAreForWarpgroups(string name)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        Skip.If(backend.Device.Capability != new Version(9, 0), "this device has no wgmma");
        var tiles = backend.Device.Multiprocessors / 2 + 1;
        var scenario = new Scenario { Heads = tiles, KvHeads = tiles, HeadDim = 8, Rows = [33], Starts = [120], Taps = [Mixed with { Singles = [] }] };
        foreach (var (heads, expected) in new[] { (tiles, MatrixProduct.Wgmma), (tiles - 1, MatrixProduct.MmaSync) })
        {
            var sized = scenario with { Heads = heads, KvHeads = heads };
            backend.MatrixProduct = MatrixProduct.Auto;
            var found = sized.Run(backend);
            backend.MatrixProduct = expected;
            var same = sized.Run(backend);
            backend.MatrixProduct = expected == MatrixProduct.Wgmma ? MatrixProduct.MmaSync : MatrixProduct.Wgmma;
            Assert.Equal(same.Outputs[0], found.Outputs[0]);
            Assert.Equal(same.Taps[0]!.SpanToSpan, found.Taps[0]!.SpanToSpan);
            Assert.NotEqual(sized.Run(backend).Outputs[0], found.Outputs[0]);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(HeadDims))]
    public void ProbabilitiesAreOfTheCache(string name, int headDim)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        using var twin = new ReferenceBackend<double>();
        var scenario = new Scenario { HeadDim = headDim, Starts = [0, 40], Rows = [3, 33] };
        Data.AssertClose(
            (scenario with { RoundsCache = true }).Probabilities(twin, 1, 3), scenario.Probabilities(backend, 1, 3), Tolerances.Probabilities, name);
    }

    /// <summary>What is rounded already stays as it is, so the twin sees the very numbers that the backend computes with.</summary>
    internal static void Compare(string name, Scenario scenario, Tolerance? taps = null)
    {
        using var backend = TestBackends.CreateCuda(name, DType.BF16);
        using var twin = new ReferenceBackend<double>();
        var onTensorCores = scenario.HeadDim % 8 == 0;
        var expected = (scenario with { RoundsCache = true, RoundsQueries = onTensorCores }).Run(twin);
        foreach (var product in Products(backend, scenario))
        {
            backend.MatrixProduct = product;
            var found = scenario.Run(backend);
            Assert.DoesNotContain("wgmma", backend.Description, StringComparison.Ordinal); // which says so where it is not used
            var what = $"{name} {scenario.Mask} by {product}";
            for (var s = 0; s < expected.Outputs.Length; s++)
            {
                var outputs = onTensorCores ? Tolerances.RoundedAttention : Tolerances.Attention;
                Data.AssertClose(expected.Outputs[s], found.Outputs[s], outputs, $"{what}, sequence {s}");
                if (expected.Taps.Length > s && expected.Taps[s] is { } tap)
                {
                    Assert.Contains([.. tap.SpanToSpan, .. tap.SingleToSpan, .. tap.SingleToSingle], v => v > 1e-4);
                    AssertClose(tap, found.Taps[s]!, taps ?? Tolerances.RoundedProbabilities, $"{what}, sequence {s}");
                }
            }
        }
    }

    /// <summary>What multiplies in attention on this device: more than one where a prompt has a kernel of its own.</summary>
    private static MatrixProduct[] Products(CudaBackend backend, Scenario scenario)
    {
        var prompt = scenario.Rows.Max() * scenario.Heads / scenario.KvHeads > 32 && scenario.HeadDim % 8 == 0 && scenario.HeadDim <= 128;
        return prompt && backend.Device.Capability == new Version(9, 0) ? [MatrixProduct.MmaSync, MatrixProduct.Wgmma] : [MatrixProduct.Auto];
    }

    internal static void AssertClose(TapResult expected, TapResult found, Tolerance tolerance, string what)
    {
        Data.AssertClose(expected.SpanToSpan, found.SpanToSpan, tolerance, $"{what}, spans to spans");
        Data.AssertClose(expected.SingleToSpan, found.SingleToSpan, tolerance, $"{what}, singles to spans");
        Data.AssertClose(expected.SingleToSingle, found.SingleToSingle, tolerance, $"{what}, singles to singles");
    }

    private static IEnumerable<object[]> With(params int[] values) => Subjects.CudaNames.SelectMany(n => values.Select(v => new object[] { n, v }));
}

/// <summary>The taps of attention.cu, attention_mma.cu and attention_wgmma.cu where blocks take many tiles in turn, and KV heads come one after the other.</summary>
[Collection(nameof(Alone))]
public class CudaTapTurnTests
{
    public static IEnumerable<object[]> Forms => Subjects.CudaNames.SelectMany(n => new object[][]
    {
        [n, DType.F32, 32, MatrixProduct.Auto], [n, DType.BF16, 30, MatrixProduct.Auto], [n, DType.BF16, 64, MatrixProduct.MmaSync],
        [n, DType.BF16, 256, MatrixProduct.Auto], [n, DType.BF16, 64, MatrixProduct.Wgmma], [n, DType.BF16, 128, MatrixProduct.Wgmma],
    }).Where(f => f is not [TestBackends.CudaOnHostChecked, _, > 64, _]);

    [SkippableTheory]
    [MemberData(nameof(Forms))]
    public void FewerBlocksGiveTheSameBits(string name, DType compute, int headDim, MatrixProduct product)
    {
        foreach (var perHead in new[] { false, true })
        {
            var mixed = CudaBFloat16AttentionTests.Mixed with { PerHead = perHead };
            var scenario = new Scenario { Heads = 6, KvHeads = 3, HeadDim = headDim, Starts = [0, 40, 3], Rows = [75, 66, 2], Taps = [mixed, mixed, null] };
            using var backend = TestBackends.CreateCuda(name, compute);
            Skip.If(product == MatrixProduct.Wgmma && backend.Device.Capability != new Version(9, 0), "this device has no wgmma");
            backend.MatrixProduct = product;
            var expected = scenario.Run(backend);
            backend.LimitTaps(long.MaxValue, 1);
            AssertEqual(expected, scenario.Run(backend));
            backend.LimitTaps(1, long.MaxValue); // then means over heads are added up head by head
            CudaBFloat16AttentionTests.AssertClose(expected.Taps[0]!, scenario.Run(backend).Taps[0]!, Tolerances.Probabilities, name);
        }
    }

    /// <summary>With few multiprocessors no keys are split, so outputs and taps come of one pass.</summary>
    [SkippableTheory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void OnePassGivesTheTapsOfTwo(string compute)
    {
        var scenario = new Scenario { Starts = [0, 9], Rows = [200, 120], Taps = [CudaBFloat16AttentionTests.Mixed, null] };
        var type = compute == "bfloat16" ? DType.BF16 : DType.F32;
        using var large = TestBackends.CreateCuda(TestBackends.CudaOnHost, type);
        large.MatrixProduct = MatrixProduct.MmaSync; // wgmma never splits keys
        var expected = scenario.Run(large);
        CudaHost.Pretend("multiprocessors", 1);
        try
        {
            using var small = TestBackends.CreateCuda(TestBackends.CudaOnHost, type);
            small.MatrixProduct = MatrixProduct.MmaSync;
            var found = scenario.Run(small);
            AssertEqual(expected with { Outputs = found.Outputs }, found);
            Assert.Equal((scenario with { Taps = [null] }).Run(small).Outputs, found.Outputs);
        }
        finally
        {
            CudaHost.Pretend("multiprocessors", 132);
        }
    }

    private static void AssertEqual(AttentionResult expected, AttentionResult found)
    {
        Assert.Equal(expected.Outputs, found.Outputs);
        foreach (var (left, right) in expected.Taps.Zip(found.Taps))
        {
            Assert.Equal(left?.SpanToSpan, right?.SpanToSpan);
            Assert.Equal(left?.SingleToSpan, right?.SingleToSpan);
            Assert.Equal(left?.SingleToSingle, right?.SingleToSingle);
        }
    }
}
