using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using IccEngine.Models;

namespace IccEngine;

/// <summary>How the clusters are read from the model.</summary>
[Flags]
public enum ClusterMethod
{
    /// <summary>Spectral clustering of the attention between the points.</summary>
    Attention = 1,
    /// <summary>The model's own answer; only labels can be chosen, unless it may be free (<see cref="AnswerDecoding"/>).</summary>
    Generate = 2,
    /// <summary>Both, one after the other.</summary>
    Both = Attention | Generate,
}

/// <summary>Settings of a clustering.</summary>
public sealed record ClusterOptions
{
    /// <summary>Names that <see cref="With"/> takes: attention, generate, both, and those of <see cref="ClusteringMethod.All"/>.</summary>
    public static IReadOnlyList<string> MethodNames { get; } =
        [.. Enum.GetValues<ClusterMethod>().Select(NameOf), .. ClusteringMethod.All.Select(m => m.Name)];

    /// <summary>How the clusters are read from the model.</summary>
    public ClusterMethod Method { get; init; } = ClusterMethod.Attention;

    /// <summary>A method that needs no model, in place of <see cref="Method"/>; null: none.</summary>
    public ClusteringMethod? Estimator { get; init; }

    /// <summary>Least number of clusters that is tried where it is to be estimated; null: 2, and never below.</summary>
    public int? MinClusters { get; init; }

    /// <summary>
    /// Greatest number of clusters that is tried where it is to be estimated; null: what the model was trained on, else 10; never more than
    /// the points less one.
    /// </summary>
    public int? MaxClusters { get; init; }

    /// <summary>
    /// Layer whose attention is read, several whose affinities are averaged, or the one that shows clusters best; null: the model's
    /// spectral_layer (icc.json), else the middle layer.
    /// </summary>
    public LayerSelection? Layer { get; init; }

    /// <summary>Query head whose attention is read; null: the mean over all heads.</summary>
    public int? Head { get; init; }

    /// <summary>Between which tokens attention is read. Other kinds than <see cref="AffinityKind.II"/> let the model answer first.</summary>
    public AffinityKind AffinityKind { get; init; }

    /// <summary>How several entries of a pair become one.</summary>
    public Symmetrisation Symmetrisation { get; init; }

    /// <summary>What is done against entries that depend on where in the prompt points stand.</summary>
    public PositionCorrection PositionCorrection { get; init; }

    /// <summary>Score all layers and, where no head is chosen and there are not very many points, all heads (<see cref="MethodResult.LayerScores"/>), whichever are read.</summary>
    public bool LayerScores { get; init; }

    /// <summary>
    /// Orders of the points over which the affinity is averaged, or that the model is asked about; 1 is the paper's way; null: for the
    /// affinity the model's own number (icc.json), else 8, for answers 1.
    /// </summary>
    public int? Permutations { get; init; }

    /// <summary>
    /// Cluster only so many of the points, drawn at random, and label the others by their attention to these: for tables larger than the
    /// model does well, at a cost that grows linearly; null: all points are clustered together. For the method attention.
    /// </summary>
    public int? Representatives { get; init; }

    /// <summary>Seed of orders, subsets and k-means: equal seeds give equal labels.</summary>
    public long Seed { get; init; }

    /// <summary>Give the affinity between the points with the result: n x n numbers that otherwise stay on the device.</summary>
    public bool ReturnAffinity { get; init; }

    /// <summary>
    /// Give what a report draws (<see cref="HtmlReport"/>): the affinity of every layer, and where <see cref="Head"/> is named of every head, and
    /// the one that is clustered; each only where it is not too large to look at. The labels do not depend on it.
    /// </summary>
    public bool ReturnMaps { get; init; }

    /// <summary>
    /// Find the tokens of the points by the rule of the paper's code instead of by character offsets: for comparison with it. Only for
    /// models that take the paper's prompt.
    /// </summary>
    public bool OriginalSpans { get; init; }

    /// <summary>How the model's answers are chosen. Their seed is <see cref="Seed"/>.</summary>
    public AnswerOptions Answers { get; init; } = new();

    /// <summary>How several answers, to several orders or drawn, become one clustering.</summary>
    public AnswerConsensus Consensus { get; init; }

    /// <summary>Give the confidence of answers as it is, not calibrated as the model's icc.json says.</summary>
    public bool RawConfidence { get; init; }

    /// <summary>Adapter, or null.</summary>
    public LoraAdapter? Adapter { get; init; }

    /// <summary>These settings with the method of a name.</summary>
    /// <exception cref="IccArgumentException">There is none; the message lists the names.</exception>
    public ClusterOptions With(string method)
    {
        foreach (var byModel in Enum.GetValues<ClusterMethod>())
        {
            if (method == NameOf(byModel))
            {
                return this with { Method = byModel, Estimator = null };
            }
        }
        return MethodNames.Contains(method)
            ? this with { Estimator = ClusteringMethod.Find(method) }
            : throw new IccArgumentException($"method: found '{method.ReplaceLineEndings(" ")}', expected one of {string.Join(", ", MethodNames)}");
    }

    /// <summary>The name of a method in command lines, files and results.</summary>
    internal static string NameOf(ClusterMethod method) => method.ToString().ToLowerInvariant();
}
