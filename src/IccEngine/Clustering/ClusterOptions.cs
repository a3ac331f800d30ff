using IccEngine.InContext;
using IccEngine.Models;

namespace IccEngine;

/// <summary>How the clusters are read from the model.</summary>
[Flags]
public enum ClusterMethod
{
    /// <summary>Spectral clustering of the attention between the points.</summary>
    Attention = 1,
    /// <summary>The model's own answer, in which only labels can be chosen.</summary>
    Generate = 2,
    /// <summary>Both, one after the other.</summary>
    Both = Attention | Generate,
}

/// <summary>Settings of a clustering.</summary>
public sealed record ClusterOptions
{
    /// <summary>How the clusters are read from the model.</summary>
    public ClusterMethod Method { get; init; } = ClusterMethod.Attention;

    /// <summary>Layer whose attention is read; null: the model's spectral_layer (icc.json), else the middle layer.</summary>
    public int? Layer { get; init; }

    /// <summary>
    /// Orders of the points over which the affinity is averaged, or that the model is asked about; 1 is the paper's way; null: for the
    /// affinity the model's own number (icc.json), else 8, for answers 1.
    /// </summary>
    public int? Permutations { get; init; }

    /// <summary>Seed of orders, subsets and k-means: equal seeds give equal labels.</summary>
    public long Seed { get; init; }

    /// <summary>Give the affinity between the points with the result: n x n numbers that otherwise stay on the device.</summary>
    public bool ReturnAffinity { get; init; }

    /// <summary>
    /// Find the tokens of the points by the rule of the paper's code instead of by character offsets: for comparison with it. Only for
    /// models that take the paper's prompt.
    /// </summary>
    public bool OriginalSpans { get; init; }

    /// <summary>How the model's answers are chosen. Their seed is <see cref="Seed"/>.</summary>
    public AnswerOptions Answers { get; init; } = new();

    /// <summary>How several answers, to several orders or drawn, become one clustering.</summary>
    public AnswerConsensus Consensus { get; init; }

    /// <summary>Adapter, or null.</summary>
    public LoraAdapter? Adapter { get; init; }
}
