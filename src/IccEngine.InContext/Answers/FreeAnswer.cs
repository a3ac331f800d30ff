using System.Text;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// The model's own answer, where it may say anything, as the original of the paper has it: what it writes, up to a token that ends it or as
/// many tokens as it may write, is read by <see cref="AnswerParser"/>; it stops where it can be read, since the first list counts.
/// </summary>
internal static class FreeAnswer
{
    private const int WordsAround = 64;

    /// <summary>Lets the model answer several prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points and answers are written for it.</param>
    /// <param name="prompts">The points of each.</param>
    /// <param name="clusters">Number of clusters k, from 1 to n.</param>
    /// <param name="options">How answers are chosen.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>For each prompt its answers, as many as samples are asked for.</returns>
    /// <exception cref="IccArgumentException">A number of clusters that cannot be, more than the format can write, or an option outside its limits.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<IReadOnlyList<Answer>> Generate(
        CausalLM model, IPromptFormat format, IReadOnlyList<PointSet> prompts, int clusters, AnswerOptions options, LoraAdapter? adapter,
        Action<double>? progress, CancellationToken cancellation)
    {
        options.Check();
        if (format.Answer(prompts[0], clusters).SingleTokenLabels)
        {
            return ConstrainedAnswer.Packed(model, format, prompts, clusters, options, adapter, progress, cancellation);
        }
        return [.. prompts.Select((points, i) =>
            List(model, format, points, clusters, options with { Seed = options.Seed ^ ((long)i << 32) }, adapter, share => progress?.Invoke((i + share) / prompts.Count), cancellation))];
    }

    /// <summary>The answers to one prompt, which goes through the model once.</summary>
    private static Answer[] List(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, AnswerOptions options, LoraAdapter? adapter, Action<double> progress,
        CancellationToken cancellation)
    {
        ConstrainedAnswer.CheckClusters(points, clusters);
        var prompt = format.Encode(points, clusters);
        var template = format.Answer(points, clusters);
        var longest = template.Forced.Sum(f => (long)f.Length) + (long)points.Count * $"{clusters - 1}".Length + WordsAround;
        var generation = new GenerationOptions
        {
            MaxNewTokens = options.MaxNewTokens ?? (int)Math.Min(longest, ModelConfig.MaxPositions),
            StopIds = [.. model.Config.EosTokenIds],
            Sampling = options.Sampling,
            Seed = options.Seed,
            Samples = options.Samples,
            LogProbabilities = true,
        };
        using var session = new InferenceSession(model, Decoding.Room(prompt.Ids.Length, generation, adapter));
        var texts = new WrittenAnswer[options.Samples];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = new WrittenAnswer(template.Tokenizer, points.Count);
        }
        var written = 0L;
        foreach (var token in Decoding.Generate(session, session.Begin(adapter), prompt.Ids, generation, null, cancellation))
        {
            texts[token.Sample].Add(token, ends: generation.StopIds.Contains(token.Id));
            progress((double)++written / ((long)generation.MaxNewTokens * texts.Length));
            if (Array.TrueForAll(texts, t => t.IsWhole))
            {
                break;
            }
        }
        return Array.ConvertAll(texts, t => t.Answer);
    }

    /// <summary>What a model has written so far.</summary>
    private sealed class WrittenAnswer(Tokenizer tokenizer, int points)
    {
        private readonly StreamingDecoder _decoder = tokenizer.CreateStreamingDecoder(skipSpecialTokens: true);
        private readonly StringBuilder _text = new();
        private ParsedAnswer _parsed = AnswerParser.Parse("", points);
        private double _logProbability;

        /// <summary>Whether nothing that follows could be a part of the answer.</summary>
        public bool IsWhole { get; private set; }

        public Answer Answer => new(_parsed.Labels, [])
        {
            LogProbability = _logProbability,
            Parsed = _parsed.Found,
            Text = _text.ToString(),
        };

        public void Add(GeneratedToken token, bool ends)
        {
            if (IsWhole)
            {
                return;
            }
            _logProbability += token.LogProbability;
            var piece = _decoder.Append(token.Id) ?? "";
            _text.Append(piece);
            if (piece.Contains(']'))
            {
                // A list can only be found where a bracket closes it.
                _parsed = AnswerParser.Parse(_text.ToString(), points);
            }
            IsWhole = ends || _parsed.Found;
        }
    }
}
