using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>A prompt as the model sees it.</summary>
/// <param name="Ids">Token ids up to where the answer begins.</param>
/// <param name="Spans">Tokens of every point [n].</param>
public sealed record EncodedPrompt(int[] Ids, TokenSpan[] Spans)
{
    /// <summary>
    /// The ids up to the end of the last point. Later tokens are not seen by earlier ones, so this is all that the attention between
    /// the points needs.
    /// </summary>
    public ReadOnlyMemory<int> PointIds => Ids.AsMemory(0, Spans[^1].End);
}

/// <summary>How an answer of n labels is written: what is known of it in advance, and what is chosen.</summary>
/// <param name="Tokenizer">The model's tokenizer.</param>
/// <param name="Before">Text that the answer follows, for the tokenizer; its last characters are enough.</param>
/// <param name="Forced">[n + 1]: text before every label, and after the last one; without digits at its ends, between labels not empty.</param>
/// <param name="Clusters">Number of clusters k; labels are the numbers from 0 to k - 1.</param>
public sealed record AnswerTemplate(Tokenizer Tokenizer, string Before, IReadOnlyList<string> Forced, int Clusters)
{
    /// <summary>Whether the model was trained on labels numbered by first appearance: the first point has label 0, a new cluster takes the next number.</summary>
    public bool Canonical { get; init; }

    /// <summary>Whether the model was trained on answers in which all k labels occur.</summary>
    public bool UsesAll { get; init; }

    /// <summary>Whether a label and the one character before it are always one token, because the model knows no other way to write it.</summary>
    public bool SingleTokenLabels { get; init; }
}

/// <summary>How points are written as text for a model, and how its answer is written.</summary>
public interface IPromptFormat
{
    /// <summary>Most features that the model knows; null: no limit. More are reduced to their principal components.</summary>
    int? MaxFeatures { get; }

    /// <summary>Most clusters that the model was trained on; null: no limit.</summary>
    int? MaxClusters { get; }

    /// <summary>Most points of one prompt that the model does well; null: no limit.</summary>
    int? MaxPoints { get; }

    /// <summary>Points of a subset where there are more than <see cref="MaxPoints"/>.</summary>
    int SubsetPoints { get; }

    /// <summary>The layer whose attention shows the clusters best, for a model of so many layers.</summary>
    int DefaultLayer(int layers);

    /// <summary>What the user should know about this many points and clusters: whether the model was trained for them.</summary>
    IEnumerable<string> Remarks(PointSet points, int clusters);

    /// <summary>The format with what it takes from the points that it writes, such as their scale, taken from these.</summary>
    IPromptFormat Fitted(PointSet points);

    /// <summary>Writes the prompt.</summary>
    /// <exception cref="IccArgumentException">More clusters, features or points than the format can write.</exception>
    EncodedPrompt Encode(PointSet points, int clusters);

    /// <summary>Writes what is known of the answer.</summary>
    AnswerTemplate Answer(PointSet points, int clusters);
}
