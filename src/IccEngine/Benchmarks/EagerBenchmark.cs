using System.Diagnostics;
using IccEngine.Core;

namespace IccEngine;

/// <summary>
/// The attention of one layer where every map is kept, as with eager attention: the probabilities of all heads [heads, n, n] by the
/// backend's plain operation, without what would be made of them; beside it the attention whose taps are the means over spans at once.
/// Neither computes outputs.
/// </summary>
internal static class EagerBenchmark
{
    public static void Run(BenchmarkRun run)
    {
        foreach (var tokens in run.TokensOr(512, 2048))
        {
            int[] spans = [.. run.Options.Spans.Where(s => s <= tokens)];
            if (spans.Length > 0)
            {
                Measure(run, tokens, spans);
            }
        }
    }

    private static void Measure(BenchmarkRun run, int tokens, int[] spans)
    {
        var heads = run.Config.NumAttentionHeads;
        var bytes = sizeof(float) * (double)heads * tokens * tokens;
        BenchmarkRun.CheckMemory($"maps of {heads} heads of {tokens} tokens", bytes);
        using var operands = new AttentionOperands(run, [tokens]);
        operands.Store();
        Tensor[] maps = [.. Enumerable.Range(0, heads).Select(_ => run.Backend.Allocate(new Shape(tokens, tokens)))];
        try
        {
            foreach (var count in spans)
            {
                var tap = new AttentionTap(
                    AttentionBenchmark.EvenSpans(tokens, count), [], false, run.Backend.Allocate(new Shape(count, count)), default, default);
                using (tap.SpanToSpan.Buffer)
                {
                    Compare(run, operands, tap, maps, $"{tokens} tokens, {count} spans");
                }
            }
        }
        finally
        {
            Array.ForEach(maps, m => m.Buffer.Dispose());
        }
        run.Results.Add(BenchmarkRun.Result("eager", $"{tokens} tokens, memory of the maps", "MB", [bytes / 1e6]));
    }

    private static void Compare(BenchmarkRun run, AttentionOperands operands, AttentionTap tap, Tensor[] maps, string size)
    {
        var call = new AttentionCall
        {
            Query = operands.Query,
            Cache = operands.Cache,
            Layer = 0,
            Sequences = new[] { operands.Sequences[0] with { Tap = tap } },
            Mask = new AttentionMask(Causal: true, Window: null),
            Scale = 1 / MathF.Sqrt(run.Config.HeadDim),
        };
        double Eager()
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var watch = Stopwatch.StartNew();
            for (var head = 0; head < maps.Length; head++)
            {
                run.Backend.AttentionProbabilities(call, 0, head, 0, maps[head]);
            }
            run.Wait(maps[^1]);
            return watch.Elapsed.TotalSeconds;
        }
        double Streaming()
        {
            var watch = Stopwatch.StartNew();
            run.Backend.Attention(call);
            run.Wait(tap.SpanToSpan);
            return watch.Elapsed.TotalSeconds;
        }
        Eager();
        Streaming();
        var factors = new List<double>();
        var seconds = 0.0;
        do
        {
            seconds = Eager();
            factors.Add(seconds / Streaming());
        }
        while (factors.Count < run.RunsFor(seconds));
        run.Results.Add(BenchmarkRun.Result("eager", $"{size}, maps by taps", "x", [.. factors]));
    }
}
