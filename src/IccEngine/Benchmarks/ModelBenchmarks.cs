using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Models;

namespace IccEngine;

/// <summary>
/// Whole models: all layers, real attention, logits of the last token.
/// <para>
/// prefill: n tokens cost 2 operations for every weight of every linear layer they pass, 4 * heads * headDim * n (n + 1) / 2 for the
/// attention of each layer, and 2 * hidden * vocabulary for the logits. Of the last layer, what follows the attention is counted (and
/// done) for the last token alone. decode: every token reads the bytes of all linear layers and of the output matrix once; what it reads
/// of the KV cache is not counted. taps: seconds of a prefill with taps by those of one without, in the same round, less 1, in percent.
/// </para>
/// </summary>
internal static class ModelBenchmarks
{
    private const int DecodeSteps = 32;
    private const int ChunkTokens = 512;

    public static void Prefill(BenchmarkRun run, CausalLM model)
    {
        foreach (var tokens in run.TokensOr(512, 2048))
        {
            var (without, with, peaks) = Interleaved(run, model, tokens);
            run.AddTokens("prefill", $"{tokens} tokens, no taps", tokens, without, flops: PrefillFlops(run.Config, tokens));
            foreach (var (spans, seconds) in with)
            {
                run.AddTokens("prefill", $"{tokens} tokens, {spans} spans in all layers", tokens, seconds, flops: PrefillFlops(run.Config, tokens));
            }
            if (peaks.Length > 0)
            {
                run.Results.Add(BenchmarkRun.Result("memory", $"{tokens} tokens, peak resident memory of the process", "MB", [.. peaks.Select(p => p / 1e6)]));
            }
        }
    }

    public static void Taps(BenchmarkRun run, CausalLM model)
    {
        foreach (var tokens in run.TokensOr(512, 2048))
        {
            var (without, with, _) = Interleaved(run, model, tokens);
            foreach (var (spans, seconds) in with)
            {
                double[] percent = [.. seconds.Zip(without, (tapped, plain) => 100 * (tapped / plain - 1))];
                run.Results.Add(BenchmarkRun.Result("taps", $"{tokens} tokens, {spans} spans in all layers", "%", percent));
            }
        }
    }

    public static void Decode(BenchmarkRun run, CausalLM model)
    {
        foreach (var tokens in run.TokensOr(128))
        {
            CheckMemory(run, tokens + DecodeSteps, 0);
            using var session = new InferenceSession(model, new SessionOptions(tokens + DecodeSteps));
            var steps = 0;
            double Round()
            {
                var sequence = session.Begin();
                Forward(run, session, new SequenceInput(sequence, Prompt(run.Config, tokens)));
                var watch = Stopwatch.StartNew();
                var best = new int[1];
                for (steps = 0; steps < DecodeSteps; steps++)
                {
                    run.Backend.Sample(session.LastLogits(0), default, SamplingOptions.Greedy, [], best, []);
                    session.Forward([new SequenceInput(sequence, best)], cancellation: run.Cancellation);
                }
                run.Wait(session.LastLogits(0));
                var seconds = watch.Elapsed.TotalSeconds;
                session.End(sequence);
                return seconds;
            }
            var first = Round();
            run.BeginFigure();
            double[] runs = [.. Enumerable.Range(0, run.RunsFor(first)).Select(_ =>
            {
                var seconds = Round();
                run.Probe();
                return seconds;
            })];
            run.AddTokens("decode", $"{steps} tokens after {tokens}", steps, runs, bytes: (double)steps * model.StepBytes);
        }
    }

    /// <summary>Operations of a prefill that gives the logits of the last token.</summary>
    public static double PrefillFlops(ModelConfig config, int tokens) => ChunkFlops(config, 0, tokens);

    /// <summary>Operations of <paramref name="tokens"/> tokens after <paramref name="start"/> others, with the logits of the last one.</summary>
    public static double ChunkFlops(ModelConfig config, int start, int tokens)
    {
        double hidden = config.HiddenSize;
        var (queries, keys) = ((double)config.NumAttentionHeads * config.HeadDim, (double)config.NumKeyValueHeads * config.HeadDim);
        var before = hidden * (queries + 2 * keys);
        var after = hidden * queries + 3 * hidden * config.IntermediateSize;
        var attention = 4 * queries * tokens * (start + (tokens + 1.0) / 2);
        var layers = config.NumHiddenLayers;
        return layers * (2 * before * tokens + attention) + 2 * after * ((layers - 1.0) * tokens + 1) + 2 * hidden * config.VocabSize;
    }

    /// <summary>Seconds of prefills without taps and with each number of spans, one of each in every round; and peaks of resident memory.</summary>
    private static (double[] Without, List<(int Spans, double[] Seconds)> With, long[] Peaks) Interleaved(BenchmarkRun run, CausalLM model, int tokens)
    {
        int[] spans = [.. run.Options.Spans.Where(s => s <= tokens)];
        CheckMemory(run, tokens, spans.DefaultIfEmpty().Max());
        using var session = new InferenceSession(model, new SessionOptions(tokens));
        // A short prompt is enough to have everything compiled.
        Prefill(run, model, session, Math.Min(tokens, ChunkTokens), 0);
        Prefill(run, model, session, Math.Min(tokens, ChunkTokens), Math.Min(tokens, ChunkTokens));
        var without = new List<double>();
        var with = spans.Select(_ => new List<double>()).ToArray();
        var peaks = new List<long>();
        run.BeginFigure();
        do
        {
            var watched = ResidentMemory.TryResetPeak();
            without.Add(Prefill(run, model, session, tokens, 0));
            for (var i = 0; i < spans.Length; i++)
            {
                with[i].Add(Prefill(run, model, session, tokens, spans[i]));
            }
            if (watched && ResidentMemory.Peak() is { } peak)
            {
                peaks.Add(peak);
            }
            run.Probe();
        }
        while (without.Count < run.RunsFor(without[0]));
        return ([.. without], [.. spans.Zip(with, (s, seconds) => (s, seconds.ToArray()))], [.. peaks]);
    }

    private static double Prefill(BenchmarkRun run, CausalLM model, InferenceSession session, int tokens, int spans)
    {
        using var capture = spans == 0 ? null : new AttentionCapture(model, new TapRequest { Spans = AttentionBenchmark.EvenSpans(tokens, spans) });
        var sequence = session.Begin();
        var watch = Stopwatch.StartNew();
        Forward(run, session, new SequenceInput(sequence, Prompt(run.Config, tokens), LogitsWanted.Last, capture));
        var seconds = watch.Elapsed.TotalSeconds;
        session.End(sequence);
        return seconds;
    }

    private static void Forward(BenchmarkRun run, InferenceSession session, in SequenceInput input)
    {
        session.Forward([input], cancellation: run.Cancellation);
        run.Wait(session.LastLogits(0));
    }

    public static int[] Prompt(ModelConfig config, int tokens) => [.. Enumerable.Range(0, tokens).Select(i => (int)(i * 7919L % config.VocabSize))];

    private static void CheckMemory(BenchmarkRun run, int tokens, int spans)
    {
        var config = run.Config;
        var cache = 2.0 * config.NumHiddenLayers * config.NumKeyValueHeads * config.HeadDim * tokens;
        var rows = Math.Min(tokens, ChunkTokens) * (4.0 * config.HiddenSize + 2.0 * config.IntermediateSize);
        var taps = (double)config.NumHiddenLayers * spans * spans;
        BenchmarkRun.CheckMemory($"a prompt of {tokens} tokens with {spans} spans", sizeof(float) * (cache + rows + taps));
    }
}
