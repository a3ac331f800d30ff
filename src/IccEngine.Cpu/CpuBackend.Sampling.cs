using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>What chooses: tokens, their probabilities, nearest centres.</summary>
public sealed unsafe partial class CpuBackend
{
    private const int LeastPoints = 16; // of an item of nearest centres: whole vectors

    /// <inheritdoc/>
    public void Sample(
        Tensor logits, AllowedIds allowed, in SamplingOptions options, ReadOnlySpan<double> uniforms, Span<int> chosen,
        Span<double> logProbabilities)
    {
        ExpectSampling.Sample(logits, allowed, options, uniforms, chosen, logProbabilities);
        var (rows, vocabulary) = (logits.Shape[0], logits.Shape[1]);
        var x = Pointer(logits);
        if (options.IsGreedy && allowed.Ids.IsEmpty && logProbabilities.IsEmpty)
        {
            _kernels.ArgMax(_pool, x, rows, vocabulary, chosen);
        }
        else
        {
            fixed (int* ids = allowed.Ids, ends = allowed.Ends, to = chosen)
            fixed (double* numbers = uniforms, logs = logProbabilities)
            {
                var job = new SampleJob(x, vocabulary, new RowIds(ids, allowed.Ids.Length, ends), options, numbers, to, logs);
                _pool.Run(ref job, rows);
            }
        }
        GC.KeepAlive(logits.Buffer);
    }

    /// <inheritdoc/>
    public void LogProbabilities(Tensor logits, AllowedIds ids, bool amongIds, Span<double> logProbabilities)
    {
        ExpectSampling.LogProbabilities(logits, ids, logProbabilities);
        fixed (int* from = ids.Ids, ends = ids.Ends)
        fixed (double* to = logProbabilities)
        {
            var asked = new RowIds(from, ids.Ids.Length, ends);
            var job = new LogProbabilitiesJob(Pointer(logits), logits.Shape[1], asked, amongIds, !ids.Ends.IsEmpty, to);
            _pool.Run(ref job, logits.Shape[0]);
        }
        GC.KeepAlive(logits.Buffer);
    }

    /// <inheritdoc/>
    public void NearestCentre(Tensor points, Tensor centres, Span<int> labels, Span<double> squared)
    {
        ExpectSampling.NearestCentre(points, centres, labels, squared);
        var (d, n, k) = (points.Shape[0], points.Shape[1], centres.Shape[1]);
        var count = (int)Math.Clamp(Chunks.Elements / Math.Max(1, (long)k * d), LeastPoints, Math.Max(LeastPoints, n)) / LeastPoints * LeastPoints;
        fixed (int* nearest = labels)
        fixed (double* distances = squared)
        {
            var job = new NearestCentreJob(
                HostCopy.Address<double>(points), HostCopy.Address<double>(centres), n, k, d, nearest, distances, count);
            _pool.Run(ref job, checked(centres.Shape[0] * job.ItemsOfSet));
        }
        Checks.KeepAlive(points, centres);
    }

    /// <inheritdoc/>
    public void CopyPage(KvCache cache, int from, int to)
    {
        var own = Checks.Cache(cache, 0);
        Expect.Page(cache, from, nameof(from));
        Expect.Page(cache, to, nameof(to));
        own.CopyPage(from, to);
        GC.KeepAlive(cache);
    }
}
