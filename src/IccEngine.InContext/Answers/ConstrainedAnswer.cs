using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// The model's own answer, where only legal ones can be given: exactly n labels, each from 0 to k - 1. The legal answers are a grammar over
/// characters, lifted to the model's tokens. What must come next is prefilled together, and costs no step.
/// </summary>
public static class ConstrainedAnswer
{
    private const int TokensAtOnce = 1 << 16;

    /// <summary>Lets the model answer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points and answers are written for it.</param>
    /// <param name="points">The points.</param>
    /// <param name="clusters">Number of clusters k, from 1 to n.</param>
    /// <param name="options">How answers are chosen; null: the likeliest token at each place.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the labels that are chosen, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>The answers, as many as samples are asked for.</returns>
    /// <exception cref="IccArgumentException">A number of clusters that cannot be, more than the format can write, or an option outside its limits.</exception>
    /// <exception cref="IccUnsupportedException">The vocabulary cannot write the answers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<Answer> Generate(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, AnswerOptions? options = null, LoraAdapter? adapter = null,
        Action<double>? progress = null, CancellationToken cancellation = default) =>
        Generate(model, format, [points], clusters, options, adapter, progress, cancellation)[0];

    /// <summary>Lets the model answer several prompts, packed together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points and answers are written for it.</param>
    /// <param name="prompts">The points of each.</param>
    /// <param name="clusters">Number of clusters k, from 1 to n.</param>
    /// <param name="options">How answers are chosen; null: the likeliest token at each place.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the labels that are chosen, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>For each prompt its answers, as many as samples are asked for.</returns>
    /// <exception cref="IccArgumentException">A number of clusters that cannot be, more than the format can write, or an option outside its limits.</exception>
    /// <exception cref="IccUnsupportedException">The vocabulary cannot write the answers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<IReadOnlyList<Answer>> Generate(
        CausalLM model, IPromptFormat format, IReadOnlyList<PointSet> prompts, int clusters, AnswerOptions? options = null,
        LoraAdapter? adapter = null, Action<double>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new AnswerOptions();
        options.Check();
        return options.Decoding == AnswerDecoding.Constrained
            ? Packed(model, format, prompts, clusters, options, adapter, progress, cancellation)
            : throw new IccArgumentException("a free answer was asked for, expected a constrained one");
    }

    /// <summary>Answers several prompts, as many in one session as make a good size; where labels are single tokens, free ones, too.</summary>
    internal static IReadOnlyList<IReadOnlyList<Answer>> Packed(
        CausalLM model, IPromptFormat format, IReadOnlyList<PointSet> prompts, int clusters, AnswerOptions options, LoraAdapter? adapter,
        Action<double>? progress, CancellationToken cancellation)
    {
        var answers = new List<IReadOnlyList<Answer>>();
        while (answers.Count < prompts.Count)
        {
            var (drafts, room) = (new List<AnswerDraft>(), (SessionOptions?)null);
            while (answers.Count + drafts.Count < prompts.Count)
            {
                var points = prompts[answers.Count + drafts.Count];
                var (draft, more) = Begin(model, format, points, clusters, options, adapter);
                if (room is not null && room.MaxTokens + (long)more.MaxTokens > TokensAtOnce)
                {
                    break;
                }
                room = room is null
                    ? more
                    : room with { MaxTokens = room.MaxTokens + more.MaxTokens, MaxSequences = room.MaxSequences + more.MaxSequences };
                drafts.Add(draft);
            }
            var done = answers.Count;
            answers.AddRange(AnswerRun.Run(
                model, room!, drafts, options, adapter, share => progress?.Invoke((done + share * drafts.Count) / prompts.Count), cancellation));
        }
        return answers;
    }

    /// <summary>Throws where there cannot be so many clusters.</summary>
    internal static void CheckClusters(PointSet points, int clusters)
    {
        if (clusters < 1 || clusters > points.Count)
        {
            throw new IccArgumentException($"{clusters} clusters of {points.Count} points; expected from 1 to {points.Count}");
        }
    }

    private static (AnswerDraft Draft, SessionOptions Room) Begin(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, AnswerOptions options, LoraAdapter? adapter)
    {
        CheckClusters(points, clusters);
        var prompt = format.Encode(points, clusters);
        var template = format.Answer(points, clusters);
        var tokens = options.Decoding == AnswerDecoding.Free
            // At least two, so that there is a choice.
            ? new AnswerTokens(template with { Clusters = Math.Max(2, clusters) }, model.Config.VocabSize, false, false, anyToken: true)
            : new AnswerTokens(template, model.Config.VocabSize, options.Canonical ?? template.Canonical, options.UseAll ?? template.UsesAll);
        return (new AnswerDraft(tokens, prompt.Ids), AnswerRun.Room(prompt.Ids.Length, tokens, options, adapter));
    }
}
