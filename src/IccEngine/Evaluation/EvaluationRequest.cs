using IccEngine.InContext;
using IccEngine.Models;

namespace IccEngine;

/// <summary>What is evaluated, on which episodes: those of files, generated ones, or those of a table of the paper.</summary>
public sealed record EvaluationRequest
{
    /// <summary>Episode files; empty: none.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Spec of episodes to generate, in place of files; null: none.</summary>
    public string? Generate { get; init; }

    /// <summary>Table of the paper whose layout is wanted, and whose episodes where no others are named; null: none.</summary>
    public string? Paper { get; init; }

    /// <summary>
    /// Names of methods: attention, generate, generate-free (an answer that may be anything), each with -xM for M orders of the points, and
    /// those that need no model; empty: <see cref="ModelEvaluation.DefaultMethods"/>.
    /// </summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>
    /// Whether every method estimates the number of clusters instead of being told: by attention, answers and silhouettes those of the
    /// model, by the silhouette of k-means the others.
    /// </summary>
    public bool EstimateClusters { get; init; }

    /// <summary>Least number of clusters that is tried; null: 2.</summary>
    public int? MinClusters { get; init; }

    /// <summary>Greatest number of clusters that is tried, by all methods alike; null: what the model was trained on, else 10.</summary>
    public int? MaxClusters { get; init; }

    /// <summary>Orders over which attention is averaged, and of which answers agree; null: for attention the model's own choice, one answer.</summary>
    public int? Permutations { get; init; }

    /// <summary>Episodes of each cell at most; null: all.</summary>
    public long? Limit { get; init; }

    /// <summary>Seed of the methods.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// Fit curves that calibrate the confidence of answers to these episodes (<see cref="MethodScores.Calibration"/>); the confidence is given as it is.
    /// </summary>
    public bool Calibrate { get; init; }

    /// <summary>The adapter, and the name that results give it; null: none.</summary>
    public (LoraAdapter Adapter, string Name)? Adapter { get; init; }

    /// <summary>File of results, which may hold those of a run that was ended; null: none.</summary>
    public string? Output { get; init; }
}
