using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine;

/// <summary>
/// Streaming causal attention of one layer, without taps and with them, over one prompt and over a ragged batch of four that together are
/// as long. A query at position p sees p + 1 keys; each pair costs 2 * headDim operations for its score and as many for its value:
/// 4 * heads * headDim * pairs. What the softmax and the taps do is not counted. In bfloat16 on NVIDIA devices by each of
/// <see cref="MatrixProduct"/> that has a kernel for it.
/// </summary>
internal static class AttentionBenchmark
{
    public static void Run(BenchmarkRun run)
    {
        foreach (var tokens in run.TokensOr(512, 2048))
        {
            Measure(run, tokens, [tokens], "one prompt");
            if (tokens >= 8)
            {
                var (half, quarter, eighth) = (tokens / 2, tokens / 4, tokens / 8);
                Measure(run, tokens, [tokens - half - quarter - eighth, half, eighth, quarter], "four prompts");
            }
        }
    }

    private static void Measure(BenchmarkRun run, int tokens, int[] lengths, string what)
    {
        var config = run.Config;
        var floats = (double)tokens * config.HeadDim * (2 * config.NumAttentionHeads + 4 * config.NumKeyValueHeads + 1);
        BenchmarkRun.CheckMemory($"attention of {tokens} tokens", sizeof(float) * floats);
        using var operands = new AttentionOperands(run, lengths);
        operands.Store();
        var pairs = lengths.Sum(n => n * (n + 1.0) / 2);
        var flops = 4 * pairs * config.NumAttentionHeads * config.HeadDim;
        var output = run.Backend.Allocate(operands.Query.Shape);
        using (output.Buffer)
        {
            foreach (var spans in run.Options.Spans.Where(s => s <= lengths.Min()).Prepend(0))
            {
                var taps = Taps(run, lengths, spans);
                var call = new AttentionCall
                {
                    Query = operands.Query,
                    Cache = operands.Cache,
                    Layer = 0,
                    Sequences = operands.Sequences.Select((s, i) => s with { Tap = taps?[i] }).ToArray(),
                    Mask = new AttentionMask(Causal: true, Window: null),
                    Scale = 1 / MathF.Sqrt(config.HeadDim),
                    Output = output,
                };
                var size = $"{tokens} tokens, {what}, {(spans == 0 ? "no taps" : $"{spans} spans")}";
                MatrixProduct[] products = run.Backend is CudaBackend { ComputeType: DType.BF16 } ? [MatrixProduct.MmaSync, MatrixProduct.Wgmma] : [];
                OperationBenchmarks.ByProduct(
                    run, products,
                    suffix => run.AddFlops("attention", size + suffix, flops, run.Seconds(output, _ => run.Backend.Attention(call))));
                Array.ForEach(taps ?? [], t => t.SpanToSpan.Buffer.Dispose());
            }
        }
    }

    private static AttentionTap[]? Taps(BenchmarkRun run, int[] lengths, int spans) => spans == 0
        ? null
        : [.. lengths.Select(n => new AttentionTap(EvenSpans(n, spans), [], false, run.Backend.Allocate(new Shape(spans, spans)), default, default))];

    /// <summary>Spans that divide a prompt evenly.</summary>
    public static TokenSpan[] EvenSpans(int tokens, int spans) =>
        [.. Enumerable.Range(0, spans).Select(i => new TokenSpan((int)((long)i * tokens / spans), (int)((i + 1L) * tokens / spans)))];
}
