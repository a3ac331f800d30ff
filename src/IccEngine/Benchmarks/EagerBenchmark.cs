using System.Diagnostics;
using IccEngine.Core;

namespace IccEngine;

/// <summary>
/// What pooled attention of one layer costs where every map is kept, as with eager attention: the probabilities of all heads [heads, n, n],
/// their means over the keys of spans as a linear layer (the weight has 1 / length where a key is in a span), and the means over rows and
/// heads on the host; beside it the attention whose taps give the same. Both without what follows the probabilities.
/// </summary>
internal static class EagerBenchmark
{
    public static void Run(BenchmarkRun run)
    {
        foreach (var tokens in run.TokensOr(512, 2048))
        {
            foreach (var spans in run.Options.Spans.Where(s => s <= tokens))
            {
                Measure(run, tokens, spans);
            }
        }
    }

    private static void Measure(BenchmarkRun run, int tokens, int spans)
    {
        var (heads, headDim) = (run.Config.NumAttentionHeads, run.Config.HeadDim);
        var maps = (double)heads * tokens * tokens;
        if (maps > int.MaxValue)
        {
            throw new IccMemoryException(FormattableString.Invariant($"maps of {heads} heads of {tokens} tokens have {maps:N0} elements; expected at most {int.MaxValue:N0}"));
        }
        BenchmarkRun.CheckMemory($"maps of {heads} heads of {tokens} tokens", sizeof(float) * (maps + (double)heads * tokens * spans));
        using var operands = new AttentionOperands(run, [tokens]);
        operands.Store();
        var places = AttentionBenchmark.EvenSpans(tokens, spans);
        using var tapped = run.Backend.Allocate(new Shape(spans, spans)).Buffer;
        var tap = new AttentionTap(places, [], false, new Tensor(tapped, 0, new Shape(spans, spans)), default, default);
        var call = new AttentionCall
        {
            Query = operands.Query,
            Cache = operands.Cache,
            Layer = 0,
            Sequences = new[] { operands.Sequences[0] with { Tap = tap } },
            Mask = new AttentionMask(Causal: true, Window: null),
            Scale = 1 / MathF.Sqrt(headDim),
        };
        using var eager = new EagerAttention(run, call, places, tokens);
        double Seconds(Action action)
        {
            run.Cancellation.ThrowIfCancellationRequested();
            var watch = Stopwatch.StartNew();
            action();
            return watch.Elapsed.TotalSeconds;
        }
        double Streaming() => Seconds(() =>
        {
            run.Backend.Attention(call);
            run.Wait(tap.SpanToSpan);
        });
        Streaming();
        eager.Pool();
        var factors = new List<double>();
        var seconds = 0.0;
        do
        {
            seconds = Seconds(eager.Pool);
            factors.Add(seconds / Streaming());
        }
        while (factors.Count < run.RunsFor(seconds));
        run.Results.Add(BenchmarkRun.Result("eager", $"{tokens} tokens, {spans} spans, seconds by those of taps", "x", [.. factors]));
        var memory = sizeof(float) * maps / 1e6;
        run.Results.Add(BenchmarkRun.Result("eager", $"{tokens} tokens, {spans} spans, memory of the maps", "MB", [.. factors.Select(_ => memory)]));
    }

    /// <summary>Maps of one prompt and layer, and what pools them.</summary>
    private sealed class EagerAttention : IDisposable
    {
        private readonly IBackend _backend;
        private readonly AttentionCall _call;
        private readonly TokenSpan[] _spans;
        private readonly int _tokens, _heads;
        private readonly Tensor _maps;  // [heads * tokens, tokens]
        private readonly Tensor _means; // [heads * tokens, spans]
        private readonly Weight _weight; // [spans, tokens]
        private readonly float[] _host; // of _means

        public EagerAttention(BenchmarkRun run, in AttentionCall call, TokenSpan[] spans, int tokens)
        {
            (_backend, _call, _spans, _tokens, _heads) = (run.Backend, call, spans, tokens, call.Query.Shape[1]);
            var indicator = new float[spans.Length * tokens];
            for (var s = 0; s < spans.Length; s++)
            {
                indicator.AsSpan(s * tokens + spans[s].Start, spans[s].Length).Fill(1f / spans[s].Length);
            }
            _maps = _backend.Allocate(new Shape(_heads * tokens, tokens));
            _means = _backend.Allocate(new Shape(_heads * tokens, spans.Length));
            _weight = _backend.LoadWeight(HostTensor.FromArray("spans", indicator, [spans.Length, tokens]));
            _host = new float[_means.Shape.Elements];
        }

        /// <summary>[spans, spans]: means over the rows of spans and the heads.</summary>
        public double[] Pooled { get; private set; } = [];

        public void Pool()
        {
            for (var head = 0; head < _heads; head++)
            {
                _backend.AttentionProbabilities(_call, 0, head, 0, _maps.Rows(head * _tokens, _tokens));
            }
            _backend.Linear(_maps, _weight, null, _means);
            _backend.Read(_means, _host);
            Pooled = new double[_spans.Length * _spans.Length];
            for (var s = 0; s < _spans.Length; s++)
            {
                var pooled = Pooled.AsSpan(s * _spans.Length, _spans.Length);
                for (var head = 0; head < _heads; head++)
                {
                    for (var row = _spans[s].Start; row < _spans[s].End; row++)
                    {
                        var means = _host.AsSpan((head * _tokens + row) * _spans.Length, _spans.Length);
                        for (var k = 0; k < means.Length; k++)
                        {
                            pooled[k] += means[k] / ((double)_heads * _spans[s].Length);
                        }
                    }
                }
            }
        }

        public void Dispose()
        {
            _maps.Buffer.Dispose();
            _means.Buffer.Dispose();
            _weight.Dispose();
        }
    }
}
