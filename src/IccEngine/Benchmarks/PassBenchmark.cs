using System.Diagnostics;
using IccEngine.Models;

namespace IccEngine;

/// <summary>
/// What a pass over the weights costs for a few tokens: a forced chunk of one sequence, and one token of each of several sequences. Every
/// pass reads the bytes of the linear layers and of the output matrix once; as long as that takes longer than the arithmetic, more tokens
/// cost nothing.
/// </summary>
internal static class PassBenchmark
{
    private const int PassesPerRound = 4;

    public static void Run(BenchmarkRun run, CausalLM model)
    {
        int[] batches = [.. run.Options.Batch ?? [1, 2, 4, 8, 16, 32]];
        var most = batches.Max();
        foreach (var tokens in run.TokensOr(32))
        {
            BenchmarkRun.CheckMemory($"{most} sequences of {tokens} tokens", CacheBytes(run, most * (tokens + PassesPerRound)));
            using var session = new InferenceSession(model, new SessionOptions(most * (tokens + PassesPerRound), most));
            foreach (var (what, several) in new[] { ("of one sequence", false), ("of as many sequences", true) })
            {
                var seconds = Measure(run, session, batches, tokens, several);
                for (var i = 0; i < batches.Length; i++)
                {
                    run.AddMilliseconds(
                        "pass", $"{batches[i]} token{(batches[i] == 1 ? "" : "s")} {what} after {tokens}", [.. seconds[i]],
                        bytes: model.StepBytes);
                }
            }
        }
    }

    /// <summary>Seconds of a pass for every batch: in every round one measurement of each.</summary>
    private static List<double>[] Measure(BenchmarkRun run, InferenceSession session, int[] batches, int tokens, bool several)
    {
        var seconds = batches.Select(_ => new List<double>()).ToArray();
        foreach (var batch in batches)
        {
            Round(run, session, batch, tokens, several);
        }
        run.BeginFigure();
        for (var round = 0; round < run.Options.Repeat; round++)
        {
            for (var i = 0; i < batches.Length; i++)
            {
                seconds[i].Add(Round(run, session, batches[i], tokens, several));
            }
            run.Probe();
        }
        return seconds;
    }

    private static double Round(BenchmarkRun run, InferenceSession session, int batch, int tokens, bool several)
    {
        var sequences = Enumerable.Range(0, several ? batch : 1).Select(_ => session.Begin()).ToArray();
        var prompt = ModelBenchmarks.Prompt(run.Config, tokens);
        session.Forward([.. sequences.Select(s => new SequenceInput(s, prompt))], cancellation: run.Cancellation);
        var next = ModelBenchmarks.Prompt(run.Config, several ? 1 : batch);
        SequenceInput[] inputs = [.. sequences.Select(s => new SequenceInput(s, next))];
        run.Wait(session.LastLogits(0));
        var watch = Stopwatch.StartNew();
        for (var pass = 0; pass < PassesPerRound; pass++)
        {
            session.Forward(inputs, cancellation: run.Cancellation);
        }
        run.Wait(session.LastLogits(0));
        var seconds = watch.Elapsed.TotalSeconds / PassesPerRound;
        Array.ForEach(sequences, session.End);
        return seconds;
    }

    private static double CacheBytes(BenchmarkRun run, double tokens) =>
        2.0 * sizeof(float) * run.Config.NumHiddenLayers * run.Config.NumKeyValueHeads * run.Config.HeadDim * tokens;
}
