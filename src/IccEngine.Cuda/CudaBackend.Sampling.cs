using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What chooses: tokens, their probabilities, nearest centres.</summary>
public sealed unsafe partial class CudaBackend
{
    /// <inheritdoc/>
    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        ExpectSampling.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);
        using var turn = Enter();
        _sampling.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);
        GC.KeepAlive(logits.Buffer);
    }

    /// <inheritdoc/>
    public void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities)
    {
        var total = ExpectSampling.LogProbabilities(logits, ids, logProbabilities);
        using var turn = Enter();
        _sampling.LogProbabilities(logits, ids, amongIds, total, logProbabilities);
        GC.KeepAlive(logits.Buffer);
    }

    /// <inheritdoc/>
    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        ExpectSampling.NearestCentre(points, centres, labels, squared);
        using var turn = Enter();
        _sampling.NearestCentre(points, centres, labels, squared);
        KeepAlive(points, centres);
    }

    /// <inheritdoc/>
    public void CopyPage(KvCache cache, int from, int to)
    {
        var paged = Owned.Cache(cache, 0, _context);
        Expect.Page(cache, from, nameof(from));
        Expect.Page(cache, to, nameof(to));
        using var turn = Enter();
        paged.Take(from); // nobody may have written to it
        paged.Take(to);
        var (first, pages) = (paged.Keys(0), cache.Shape.Pages);
        var words = checked((int)(paged.PageBytes / sizeof(int)));
        var parameters = stackalloc void*[] { &first, &pages, &words, &from, &to };
        _context.Launch(_kernels.CopyPage, 2L * cache.Shape.Layers, 1, 1, Threads, parameters);
        GC.KeepAlive(cache);
    }
}
