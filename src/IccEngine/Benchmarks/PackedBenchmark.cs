using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine;

/// <summary>
/// Many short episodes on one model: a prompt, and an answer in which chunks of known tokens alternate with labels that the model chooses.
/// Measured are the whole episodes through the model (as a prefill), packed into ragged batches and one after another; and the answers
/// alone, where the prompts are in the cache: in forced chunks of all episodes at once, in forced chunks of one episode after another, and
/// one decode step at a time. Operations are those of a prefill (docs/performance.md); tokens are those of the episodes, or of the answers.
/// </summary>
internal static class PackedBenchmark
{
    /// <summary>The tokens of a point of three features in an answer of the embedded model: "[", three numbers, "]" and the label.</summary>
    private const int ChunkTokens = 6;

    private const int Labels = 3;

    public static void Run(BenchmarkRun run, CausalLM model)
    {
        foreach (var tokens in run.TokensOr(300).Where(t => t > 1))
        {
            foreach (var episodes in run.Options.Batch ?? [64])
            {
                using var work = new Episodes(run, model, tokens, episodes);
                Measure(work);
            }
        }
    }

    private static void Measure(Episodes work)
    {
        var run = work.Run;
        var ways = new (string What, bool Answer, double Flops, Func<double> Seconds)[]
        {
            ("packed", false, work.WholeFlops, work.Packed),
            ("one after another", false, work.WholeFlops, work.OneAfterAnother),
            ("answers in forced chunks, packed", true, work.AnswerFlops(ChunkTokens), () => work.Answers(ChunkTokens, together: true)),
            ("answers in forced chunks, one after another", true, work.AnswerFlops(ChunkTokens), () => work.Answers(ChunkTokens, together: false)),
            ("answers one decode step at a time", true, work.AnswerFlops(1), () => work.Answers(1, together: false)),
        };
        var seconds = ways.Select(_ => new List<double>()).ToArray();
        Array.ForEach(ways, w => w.Seconds());
        run.BeginFigure();
        do
        {
            for (var i = 0; i < ways.Length; i++)
            {
                seconds[i].Add(ways[i].Seconds());
            }
            run.Probe();
        }
        while (seconds[0].Count < run.RunsFor(seconds.Sum(s => s[0])));
        for (var i = 0; i < ways.Length; i++)
        {
            var tokens = work.Count * (ways[i].Answer ? work.AnswerTokens : work.Tokens);
            run.AddTokens("packed", $"{work.Size}, {ways[i].What}", tokens, [.. seconds[i]], flops: ways[i].Flops);
        }
        AddGain(run, $"{work.Size}, packed against one after another", seconds[0], seconds[1]);
        AddGain(run, $"{work.Size}, answers packed against one after another", seconds[2], seconds[3]);
        AddGain(run, $"{work.Size}, answers packed against one decode step at a time", seconds[2], seconds[4]);
    }

    private static void AddGain(BenchmarkRun run, string size, List<double> fast, List<double> slow) =>
        run.Results.Add(BenchmarkRun.Result("packed", size, "x", [.. slow.Zip(fast, (s, f) => s / f)]));

    /// <summary>Episodes of one length, a session that has room for all of them, and one for a single episode.</summary>
    private sealed class Episodes(BenchmarkRun run, CausalLM model, int tokens, int count) : IDisposable
    {
        private readonly InferenceSession _all = Session(model, tokens, count);
        private readonly InferenceSession _single = Session(model, tokens, 1);
        private readonly int[] _ids = ModelBenchmarks.Prompt(model.Config, tokens);
        private readonly int[] _allowed = [.. Enumerable.Range(0, Math.Min(Labels, model.Config.VocabSize))];

        public BenchmarkRun Run => run;

        public int Tokens => tokens;

        public int Count => count;

        public string Size => $"{count} episodes of {tokens} tokens";

        /// <summary>Somewhat more than half of an episode, in whole chunks; at least one token of it is the prompt.</summary>
        public int AnswerTokens { get; } = Math.Min(tokens - 1, Math.Max(1, tokens * 11 / 20 / ChunkTokens) * ChunkTokens);

        public double WholeFlops => count * ModelBenchmarks.PrefillFlops(model.Config, tokens);

        public double AnswerFlops(int chunk)
        {
            var flops = 0.0;
            for (var start = tokens - AnswerTokens; start < tokens; start += chunk)
            {
                flops += ModelBenchmarks.ChunkFlops(model.Config, start, Math.Min(chunk, tokens - start));
            }
            return count * flops;
        }

        /// <summary>Seconds of all episodes as ragged batches.</summary>
        public double Packed()
        {
            SequenceInput[] inputs = [.. Enumerable.Range(0, count).Select(_ => new SequenceInput(_all.Begin(), _ids))];
            var watch = Stopwatch.StartNew();
            _all.Forward(inputs, cancellation: run.Cancellation);
            run.Wait(_all.LastLogits(0));
            var seconds = watch.Elapsed.TotalSeconds;
            Array.ForEach(inputs, i => _all.End(i.Sequence));
            return seconds;
        }

        public double OneAfterAnother()
        {
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < count; i++)
            {
                var sequence = _single.Begin();
                _single.Forward([new SequenceInput(sequence, _ids)], cancellation: run.Cancellation);
                _single.End(sequence);
            }
            run.Wait(_single.LastLogits(0));
            return watch.Elapsed.TotalSeconds;
        }

        /// <summary>Seconds of all answers, in chunks of so many tokens, of all episodes at once or one after another; every chunk ends with a chosen label.</summary>
        public double Answers(int chunk, bool together)
        {
            var (session, size) = together ? (_all, count) : (_single, 1);
            var watch = new Stopwatch();
            for (var first = 0; first < count; first += size)
            {
                var sequences = Enumerable.Range(0, size).Select(_ => session.Begin()).ToArray();
                Forward(session, sequences, 0, tokens - AnswerTokens);
                run.Wait(session.LastLogits(0));
                watch.Start();
                var best = new int[sequences.Length];
                for (var start = tokens - AnswerTokens; start < tokens; start += chunk)
                {
                    Forward(session, sequences, start, Math.Min(chunk, tokens - start));
                    for (var i = 0; i < sequences.Length; i++)
                    {
                        run.Backend.Sample(session.LastLogits(i), _allowed, SamplingOptions.Greedy, [], best.AsSpan(i, 1), []);
                    }
                }
                watch.Stop();
                Array.ForEach(sequences, session.End);
            }
            return watch.Elapsed.TotalSeconds;
        }

        private void Forward(InferenceSession session, Sequence[] sequences, int start, int length) =>
            session.Forward([.. sequences.Select(s => new SequenceInput(s, _ids.AsMemory(start, length)))], cancellation: run.Cancellation);

        public void Dispose()
        {
            _all.Dispose();
            _single.Dispose();
        }

        private static InferenceSession Session(CausalLM model, int tokens, int sequences)
        {
            var config = model.Config;
            var room = 2.0 * sizeof(float) * config.NumHiddenLayers * config.NumKeyValueHeads * config.HeadDim * tokens * sequences;
            BenchmarkRun.CheckMemory($"{sequences} episodes of {tokens} tokens", room);
            return new InferenceSession(model, new SessionOptions(checked(tokens * sequences), sequences));
        }
    }
}
