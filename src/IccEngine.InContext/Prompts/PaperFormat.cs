using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>The paper's prompt, for any language model: inside the model's chat template where it has one.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="render">Writes a conversation as the model's template does; null where it has none.</param>
public sealed class PaperFormat(Tokenizer tokenizer, Func<IReadOnlyList<ChatMessage>, string>? render) : IPromptFormat
{
    private const string Opening = "[";
    private const string Separator = ", ";
    private const string Closing = "]";

    /// <summary>
    /// Find the tokens of the points as the original's code does (<see cref="OriginalSpanRule{TToken}"/>) instead of by character
    /// offsets. It differs where brackets share tokens with their neighbours, and fails where it does not find every point.
    /// </summary>
    public bool OriginalSpans { get; init; }

    /// <inheritdoc/>
    public int? MaxFeatures => null;

    /// <inheritdoc/>
    public int? MaxClusters => null;

    /// <inheritdoc/>
    public int? MaxPoints => null;

    /// <inheritdoc/>
    public int SubsetPoints => int.MaxValue;

    /// <summary>The middle layer: there the paper sees the clusters in pretrained models.</summary>
    public int DefaultLayer(int layers) => layers / 2;

    /// <inheritdoc/>
    public IPromptFormat Fitted(PointSet points) => this;

    /// <inheritdoc/>
    public IEnumerable<string> Remarks(PointSet points, int clusters) => [];

    /// <inheritdoc/>
    /// <exception cref="SpanRuleException">The original's rule does not find as many spans as there are points.</exception>
    public EncodedPrompt Encode(PointSet points, int clusters)
    {
        var prompt = PaperPrompt.Create(points.Values, points.Count, points.Features, clusters);
        var text = render is null
            ? $"{prompt.System}\n\n{prompt.User}"
            : render([new ChatMessage("system", prompt.System), new ChatMessage("user", prompt.User)]);
        var start = text.IndexOf(prompt.User, StringComparison.Ordinal);
        if (start < 0)
        {
            throw new IccUnsupportedException("the chat template changes the text of the user's message, so the points cannot be found in it");
        }
        if (OriginalSpans)
        {
            int[] ids = [.. tokenizer.Encode(text, addSpecialTokens: render is null).Ids];
            var rule = new OriginalSpanRule<int>(part => tokenizer.Encode(part, addSpecialTokens: false).Ids);
            return new EncodedPrompt(ids, rule.Find(ids, points.Count));
        }
        return PromptTokens.Encode(
            tokenizer, text, [.. prompt.Points.Select(p => (start + p.Start, start + p.End))], addSpecialTokens: render is null);
    }

    /// <inheritdoc/>
    public AnswerTemplate Answer(PointSet points, int clusters) =>
        new(tokenizer, "\n", [Opening, .. Enumerable.Repeat(Separator, points.Count - 1), Closing], clusters);
}
