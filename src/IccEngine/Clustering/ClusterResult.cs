using IccEngine.InContext;

namespace IccEngine;

/// <summary>What one method found.</summary>
/// <param name="Method">The method's name: attention, generate, or that of an estimator.</param>
/// <param name="Layer">Layer whose attention was read, of several the first; null for the other methods.</param>
/// <param name="Labels">Cluster of every point [n], numbered by first appearance; -1 for noise, from methods that know of noise, and where no free answer could be read.</param>
/// <param name="Seconds">Time that it took.</param>
/// <param name="Affinity">[n, n] affinity between the points, where <see cref="ClusterOptions.ReturnAffinity"/> or <see cref="ClusterOptions.ReturnMaps"/> asked for it; else null.</param>
/// <param name="Eigenvalues">Smallest eigenvalues of its normalised Laplacian, or null.</param>
public sealed record MethodResult(
    string Method, int? Layer, int[] Labels, double Seconds, double[]? Affinity = null, double[]? Eigenvalues = null)
{
    /// <summary>For the model's answers, of every point [n] the probability of its cluster (<see cref="EnsembleResult.Confidence"/>); else null.</summary>
    public double[]? Confidence { get; init; }

    /// <summary>Whether points of a confidence were right as often as it says, on the data that the model was calibrated with.</summary>
    public bool Calibrated { get; init; }

    /// <summary>The model's answers, with the probability of every label; empty for another method.</summary>
    public IReadOnlyList<Answer> Answers { get; init; } = [];

    /// <summary>Last layer whose attention was read; null for the model's answer.</summary>
    public int? LastLayer { get; init; } = Layer;

    /// <summary>Head whose attention was read; null: the mean over all.</summary>
    public int? Head { get; init; }

    /// <summary>The layers that were read, for people: a number, or the first and the last one; empty for other methods.</summary>
    public string LayerNames => Layer is not { } layer ? "" : LastLayer == layer ? $"{layer}" : $"{layer}-{LastLayer}";

    /// <summary>The method, and the layers and the head that it read, for people.</summary>
    public string Name => Method + (Layer is null ? "" : $", layer{(LastLayer == Layer ? "" : "s")} {LayerNames}") + (Head is { } head ? $", head {head}" : "");

    /// <summary>How clearly each layer shows clusters, without knowing the true ones; empty where layers were not compared.</summary>
    public IReadOnlyList<LayerScore> LayerScores { get; init; } = [];

    /// <summary>The affinities of layers and heads, where <see cref="ClusterOptions.ReturnMaps"/> asked for them; else empty.</summary>
    public IReadOnlyList<AttentionMap> Maps { get; init; } = [];

    /// <summary>Numbers of the points that <see cref="Affinity"/> and <see cref="Maps"/> are between; null: all.</summary>
    public int[]? AffinityPoints { get; init; }
}

/// <summary>A clustering.</summary>
/// <param name="Results">One entry a method.</param>
/// <param name="Remarks">What the user should know: reduced features, sizes that the model was not trained for, a disconnected graph.</param>
public sealed record ClusterResult(IReadOnlyList<MethodResult> Results, IReadOnlyList<string> Remarks)
{
    /// <summary>Number of clusters: as given, estimated, or found by a method that finds it itself.</summary>
    public required int Clusters { get; init; }

    /// <summary>The numbers of clusters that were tried, by ascending k; empty where the number was given.</summary>
    public IReadOnlyList<CountCandidate> Candidates { get; init; } = [];

    /// <summary>Labels of the first method [n].</summary>
    public int[] Labels => Results[0].Labels;
}
