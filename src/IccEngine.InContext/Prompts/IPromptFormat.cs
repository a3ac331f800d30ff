using IccEngine.Core;

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
/// <param name="Forced">Token ids before every label [n], and after the last one.</param>
/// <param name="FirstLabels">Token ids of every label value [k], as the first of the answer.</param>
/// <param name="Labels">The same for the others.</param>
/// <param name="Canonical">
/// Whether labels are numbered by first appearance and all of them are used: the first point has label 0, a new cluster takes the next
/// number, and when as many points are left as clusters unopened each must open one.
/// </param>
public sealed record AnswerTemplate(int[][] Forced, int[][] FirstLabels, int[][] Labels, bool Canonical)
{
    /// <summary>Number of points n.</summary>
    public int Points => Forced.Length - 1;

    /// <summary>Number of clusters k.</summary>
    public int Clusters => Labels.Length;
}

/// <summary>How points are written as text for a model, and how its answer is written.</summary>
public interface IPromptFormat
{
    /// <summary>Most features that the model knows; null: no limit. More are reduced to their principal components.</summary>
    int? MaxFeatures { get; }

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
