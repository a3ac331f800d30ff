using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>Lets the model see the points in several orders, as many prompts at a time as make a good batch, and reads its attention.</summary>
/// <param name="model">The model.</param>
/// <param name="format">How points are written for it.</param>
/// <param name="points">The points.</param>
/// <param name="clusters">Number of clusters.</param>
/// <param name="options">Which attention is read.</param>
/// <param name="plan">Which points stand in which order in every prompt.</param>
/// <param name="adapter">Adapter, or null.</param>
/// <param name="cancellation">Looked at before every layer of every batch.</param>
internal sealed class PromptRuns(
    CausalLM model, IPromptFormat format, PointSet points, int clusters, AttentionOptions options, IReadOnlyList<int[]> plan,
    LoraAdapter? adapter, CancellationToken cancellation)
{
    private const int TokensAtOnce = 8192;

    private readonly IReadOnlyList<int[]> _features = SubsetPlan.Features(points.Features, plan.Count, options.Seed);

    /// <summary>Takes the attention of a prompt.</summary>
    /// <param name="pooled">[s, s] of a layer, or [heads, s, s].</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    /// <param name="prompt">Number of the prompt.</param>
    public delegate void Reader(Func<int, Tensor> pooled, int[] order, int prompt);

    /// <summary>Runs all prompts.</summary>
    /// <param name="layers">Layers whose attention is read.</param>
    /// <param name="perHead">Whether heads are kept apart.</param>
    /// <param name="progress">Called with the share of the work that is done.</param>
    /// <param name="read">Takes the attention, while it is there.</param>
    /// <returns>Tokens that went through the model, answers not counted.</returns>
    public long Run(int[] layers, bool perHead, Action<double> progress, Reader read)
    {
        var tokens = 0L;
        for (var done = 0; done < plan.Count;)
        {
            using var group = Take(done, layers, perHead);
            group.Run(adapter, share => progress((done + share * group.Orders.Count) / plan.Count), cancellation);
            for (var i = 0; i < group.Orders.Count; i++)
            {
                var prompt = i;
                read(layer => group.Pooled(prompt, layer, options.Kind), group.Orders[i], done + i);
            }
            tokens += group.Tokens;
            done += group.Orders.Count;
        }
        return tokens;
    }

    private PromptGroup Take(int first, int[] layers, bool perHead)
    {
        var (prompts, tokens) = (new List<EncodedPrompt>(), 0);
        for (var i = first; i < plan.Count; i++)
        {
            var prompt = format.Encode(Points(i), clusters);
            if (prompts.Count > 0 && tokens + prompt.PointIds.Length > TokensAtOnce)
            {
                break;
            }
            prompts.Add(prompt);
            tokens += prompt.PointIds.Length;
        }
        var orders = plan.Skip(first).Take(prompts.Count).ToArray();
        var answers = options.Kind == AffinityKind.II
            ? null
            : ConstrainedAnswer.Generate(model, format, [.. orders.Select((_, i) => Points(first + i))], clusters, null, adapter, null, cancellation);
        var group = new PromptGroup(model);
        try
        {
            for (var i = 0; i < orders.Length; i++)
            {
                var (ids, singles) = answers is null ? (prompts[i].PointIds, []) : WithLabels(prompts[i], answers[i][0].Written);
                var request = new TapRequest { Spans = prompts[i].Spans, Singles = singles, Layers = layers, PerHead = perHead };
                group.Add(orders[i], ids, request);
            }
            return group;
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <summary>The points of a prompt, in its orders.</summary>
    private PointSet Points(int prompt) => points.Select(plan[prompt]).WithFeatures(_features[prompt]);

    /// <summary>A prompt with its answer up to the last label, and the places of the labels.</summary>
    private static (ReadOnlyMemory<int> Ids, int[] Labels) WithLabels(EncodedPrompt prompt, WrittenAnswer answer)
    {
        int[] labels = [.. answer.LabelTokens.Select(t => prompt.Ids.Length + t)];
        return labels.Distinct().Count() == labels.Length
            ? ((int[])[.. prompt.Ids, .. answer.Ids[..(answer.LabelTokens[^1] + 1)]], labels)
            : throw new IccUnsupportedException("the tokenizer writes two labels as one token, so that they have no attention of their own");
    }
}
