using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>Continues sequences token by token.</summary>
public static class Decoding
{
    private const int MaxSamples = 4096;

    /// <summary>A session that has room for a prompt and its continuations.</summary>
    /// <exception cref="IccArgumentException">An option is outside its limits.</exception>
    public static SessionOptions Room(int promptTokens, GenerationOptions options, LoraAdapter? adapter = null)
    {
        Check(options);
        // Of the first page that is not shared each sample may have a copy.
        var each = options.MaxNewTokens + (options.Samples > 1 ? InferenceSession.PageTokens : 0);
        var tokens = Math.Max(1, promptTokens) + (long)options.Samples * each;
        return tokens <= int.MaxValue
            ? new SessionOptions((int)tokens, options.Samples, MaxLoraRank: adapter?.Rank ?? 0)
            : throw new IccArgumentException($"{options.Samples} samples of {options.MaxNewTokens} tokens: expected at most {int.MaxValue} tokens in all");
    }

    /// <summary>Continues a sequence. The prompt goes through the model once, whatever the number of samples.</summary>
    /// <param name="session">A session with <see cref="Room"/>.</param>
    /// <param name="sequence">The sequence that the prompt continues; the first sample goes on with it.</param>
    /// <param name="prompt">Ids, at least one.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="prefill">What the prefill hands over on its way.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>Tokens, as they come: a step of all samples that have not ended, then the next step.</returns>
    /// <exception cref="IccArgumentException">No room, a token that the model does not have, or an option outside its limits.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IEnumerable<GeneratedToken> Generate(
        InferenceSession session, Sequence sequence, ReadOnlyMemory<int> prompt, GenerationOptions options, ForwardOptions? prefill = null,
        CancellationToken cancellation = default)
    {
        Check(options);
        return Run(session, sequence, prompt, options, prefill, cancellation);
    }

    private static IEnumerable<GeneratedToken> Run(
        InferenceSession session, Sequence sequence, ReadOnlyMemory<int> prompt, GenerationOptions options, ForwardOptions? prefill,
        CancellationToken cancellation)
    {
        if (options.MaxNewTokens == 0)
        {
            yield break;
        }
        session.Forward([new SequenceInput(sequence, prompt)], prefill, cancellation);
        var live = new List<Live>();
        try
        {
            for (var sample = 0; sample < options.Samples; sample++)
            {
                live.Add(new Live(sample, sample == 0 ? sequence : session.Fork(sequence)));
            }
            for (var step = 0; ; step++)
            {
                Choose(session, live, options, step);
                foreach (var one in live)
                {
                    yield return new GeneratedToken(one.Sample, one.Next[0], one.LogProbability);
                }
                for (var i = live.Count - 1; i >= 0; i--)
                {
                    if (options.StopIds.Contains(live[i].Next[0]))
                    {
                        End(session, live[i]);
                        live.RemoveAt(i);
                    }
                }
                if (live.Count == 0 || step + 1 == options.MaxNewTokens)
                {
                    yield break;
                }
                session.Forward([.. live.Select(l => new SequenceInput(l.Sequence, l.Next))], null, cancellation);
            }
        }
        finally
        {
            live.ForEach(one => End(session, one));
        }
    }

    /// <summary>The next token of every sample; at first all draw from the logits of the prompt.</summary>
    private static void Choose(InferenceSession session, List<Live> live, GenerationOptions options, int step)
    {
        var uniforms = live.ConvertAll(l => Uniform(options.Seed, l.Sample, step)).ToArray();
        var chosen = new int[live.Count];
        var logProbabilities = new double[options.LogProbabilities ? live.Count : 0];
        var backend = session.Model.Backend;
        if (step > 0)
        {
            backend.Sample(session.LastLogits(0, live.Count), default, options.Sampling, uniforms, chosen, logProbabilities);
        }
        for (var i = 0; i < live.Count; i++)
        {
            if (step == 0)
            {
                var logs = logProbabilities.AsSpan(options.LogProbabilities ? i..(i + 1) : 0..0);
                backend.Sample(session.LastLogits(0), default, options.Sampling, uniforms.AsSpan(i, 1), chosen.AsSpan(i, 1), logs);
            }
            live[i].Next[0] = chosen[i];
            live[i].LogProbability = options.LogProbabilities ? logProbabilities[i] : double.NaN;
        }
    }

    /// <summary>The caller's own sequence stays.</summary>
    private static void End(InferenceSession session, Live one)
    {
        if (one.Sample > 0)
        {
            session.End(one.Sequence);
        }
    }

    /// <summary>A number in [0, 1) that depends on the seed, the sample and the step alone (splitmix64, Steele, Lea and Flood 2014).</summary>
    private static double Uniform(long seed, int sample, int step) =>
        (Mix(Mix((ulong)seed) + ((ulong)sample << 32 | (uint)step)) >> 11) * (1.0 / (1ul << 53));

    private static ulong Mix(ulong x)
    {
        var z = unchecked(x + 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }

    private static void Check(GenerationOptions options)
    {
        if (options.MaxNewTokens is < 0 or > ModelConfig.MaxPositions)
        {
            throw new IccArgumentException($"{options.MaxNewTokens} new tokens; expected from 0 to {ModelConfig.MaxPositions}");
        }
        if (options.Samples is < 1 or > MaxSamples)
        {
            throw new IccArgumentException($"{options.Samples} samples; expected from 1 to {MaxSamples}");
        }
        if (options.Sampling.Problem() is { } problem)
        {
            throw new IccArgumentException(problem);
        }
    }

    /// <summary>A sample that has not ended.</summary>
    private sealed record Live(int Sample, Sequence Sequence)
    {
        public int[] Next { get; } = new int[1];

        public double LogProbability { get; set; }
    }
}
