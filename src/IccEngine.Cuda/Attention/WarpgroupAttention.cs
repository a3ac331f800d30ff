using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Outputs and taps of a call by a form, and taps that need a pass of their own by another.</summary>
internal delegate void RunAttention(in AttentionCall call, in StreamForm form, in StreamForm tapForm);

/// <summary>
/// The kernels of attention_wgmma.cu, for devices of compute capability 9.0. When they are first asked for, what they compute of a small
/// ragged batch is compared with attention_mma.cu; where it differs, or the driver does not take them, there are none.
/// </summary>
internal sealed class WarpgroupAttention(CudaContext context, Kernels kernels, RunAttention run)
{
    private const int Heads = 6;
    private const int KvHeads = 2;
    private const int PageTokens = 32;
    private const float Tolerance = 1f / 64;      // weights are rounded relative to other maxima, by up to 2^-8 on both sides; of values up to 1
    private const float TapTolerance = 1f / 4096; // taps are not rounded
    private static readonly Version _capability = new(9, 0);
    // Tiles of lanes that are not full, more tiles of keys than there are stages, pages in any order; spans across tiles, with gaps.
    private static readonly SequenceRows[] _sequences =
    [
        new(0, 70, 0, new[] { 16, 1, 9 }), new(70, 37, 400, new[] { 0, 2, 15, 3, 4, 14, 5, 6, 13, 7, 8, 12, 10, 11 }),
    ];
    private static readonly TokenSpan[][] _spans = [[new(0, 1), new(3, 60), new(60, 70)], [new(5, 130), new(131, 410), new(410, 437)]];
    private StreamForm[]? _forms;

    /// <summary>Why there are none on a device that should have them; null where all is well, or nobody asked yet.</summary>
    public string? Failure { get; private set; }

    /// <summary>Whether there are kernels for heads of a size; asks for them.</summary>
    /// <param name="headDim">Elements of a head.</param>
    /// <param name="form">The kernel.</param>
    public bool TryForm(int headDim, out StreamForm form)
    {
        form = default;
        if (context.Device.Capability != _capability || headDim % 8 != 0 || headDim > 128)
        {
            return false;
        }
        _forms ??= LoadChecked();
        if (_forms.Length == 0)
        {
            return false;
        }
        form = _forms[headDim <= 64 ? 0 : 1];
        return true;
    }

    private StreamForm[] LoadChecked()
    {
        context.Wait(); // what fails from here on is these kernels' failure
        try
        {
            var loaded = kernels.LoadWarpgroupAttention();
            if (IsRight(loaded[0], 40) && IsRight(loaded[1], 128))
            {
                return loaded;
            }
            Failure = "attention by wgmma is wrong here and is not used";
        }
        catch (IccDeviceException e)
        {
            Failure = $"attention by wgmma is not used: {e.Message}";
        }
        return [];
    }

    private bool IsRight(in StreamForm suspect, int headDim)
    {
        using var cache = new CudaKvCache(context, new KvShape(1, KvHeads, headDim, PageTokens, _sequences.Sum(s => s.Pages.Length)), DType.BF16);
        cache.Take(_sequences);
        var random = new Random(headDim);
        float[] Numbers(long count) => [.. Enumerable.Range(0, (int)count).Select(_ => 2 * random.NextSingle() - 1)];
        foreach (var address in new[] { cache.Keys(0), cache.Values(0) })
        {
            SmallCopies.PutBFloat16(context, address, Numbers(cache.Shape.Pages * cache.PageBytes / sizeof(ushort)));
        }
        var shape = new Shape(_sequences[^1].FirstRow + _sequences[^1].RowCount, Heads, headDim);
        using var queries = SmallCopies.Upload(context, Numbers(shape.Elements));
        var call = new AttentionCall
        {
            Query = new Tensor(queries, 0, shape),
            Cache = cache,
            Layer = 0,
            Sequences = _sequences,
            Mask = new AttentionMask(Causal: true, Window: null),
            Scale = 6 / MathF.Sqrt(headDim),
        };
        var known = kernels.Attention.TappedOf(headDim, DType.BF16) with { SplitsKeys = false };
        var (expected, found) = (Run(call, known, tapped: true), Run(call, suspect, tapped: true));
        return Run(call, suspect, tapped: false).Output.AsSpan().SequenceEqual(found.Output)
            && AreClose(expected.Output, found.Output, Tolerance) && AreClose(expected.Taps, found.Taps, TapTolerance);
    }

    private static bool AreClose(float[] expected, float[] found, float tolerance) =>
        expected.Zip(found).All(pair => MathF.Abs(pair.First - pair.Second) <= tolerance); // not so where there is a NaN

    private (float[] Output, float[] Taps) Run(in AttentionCall call, in StreamForm form, bool tapped)
    {
        using var output = new CudaBuffer(context, DType.F32, call.Query.Shape.Elements);
        using var taps = new CudaBuffer(context, DType.F32, _spans.Sum(s => s.Length * s.Length));
        var sequences = new SequenceRows[_sequences.Length];
        for (var (s, at) = (0, 0); s < sequences.Length; s++)
        {
            var spans = _spans[s];
            var means = new Tensor(taps, at, new Shape(spans.Length, spans.Length));
            sequences[s] = _sequences[s] with { Tap = tapped ? new AttentionTap(spans, [], false, means, default, default) : null };
            at += spans.Length * spans.Length;
        }
        context.Clear(output.Address, output.Elements * sizeof(float));
        context.Clear(taps.Address, taps.Elements * sizeof(float));
        run(call with { Sequences = sequences, Output = new Tensor(output, 0, call.Query.Shape) }, form, form);
        return (SmallCopies.Download(context, output), SmallCopies.Download(context, taps));
    }
}
