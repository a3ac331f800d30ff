using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>
/// Texts as the points of a prompt: a point has one feature, the number of its text, from 0 (<see cref="Points"/>). The answer is written
/// as in the paper. Special tokens are recognised in the templates' own words only: what looks like one in a text, or in the condition, is text.
/// </summary>
/// <param name="items">The texts.</param>
/// <param name="template">The user's message.</param>
/// <param name="condition">By what they are to be clustered, or null.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="render">Writes a conversation as the model's template does; null where it has none.</param>
/// <param name="maxTokens">Tokens that the model was made for.</param>
public sealed class TextFormat(
    IReadOnlyList<string> items, TextTemplate template, string? condition, Tokenizer tokenizer,
    Func<IReadOnlyList<ChatMessage>, string>? render, int maxTokens) : IPromptFormat
{
    private const string System = "You are a data clustering expert.";
    private readonly PaperFormat _paper = new(tokenizer, render);

    /// <summary>The texts by their numbers.</summary>
    public PointSet Points => new([.. Enumerable.Range(0, items.Count).Select(i => (double)i)], items.Count, 1);

    /// <inheritdoc/>
    public int? MaxFeatures => null;

    /// <inheritdoc/>
    public int? MaxClusters => null;

    /// <inheritdoc/>
    public int? MaxPoints => null;

    /// <inheritdoc/>
    public int SubsetPoints => int.MaxValue;

    /// <inheritdoc/>
    public int DefaultLayer(int layers) => _paper.DefaultLayer(layers);

    /// <inheritdoc/>
    public IPromptFormat Fitted(PointSet points) => this;

    /// <inheritdoc/>
    public IEnumerable<string> Remarks(PointSet points, int clusters) => [];

    /// <inheritdoc/>
    /// <exception cref="IccArgumentException">More tokens than the model holds, or an item without a token of its own.</exception>
    /// <exception cref="IccFormatException">The template failed, or does not print every item once, whole and in order.</exception>
    public EncodedPrompt Encode(PointSet points, int clusters)
    {
        string[] shown = [.. Enumerable.Range(0, points.Count).Select(i => items[(int)points.Row(i)[0]])];
        var written = template.Render(shown, clusters, condition, Frame);
        var prompt = PromptTokens.Encode(tokenizer, written.Text, written.Items, addSpecialTokens: render is null, written.Plain);
        return prompt.Ids.Length <= maxTokens
            ? prompt
            : throw new IccArgumentException($"a prompt of {points.Count} items and {prompt.Ids.Length} tokens: the model holds {maxTokens} tokens; expected fewer or shorter items");
    }

    /// <inheritdoc/>
    public AnswerTemplate Answer(PointSet points, int clusters) => _paper.Answer(points, clusters);

    private string Frame(string user) => render is null
        ? $"{System}\n\n{user}"
        : render([new ChatMessage("system", System), new ChatMessage("user", user)]);
}
