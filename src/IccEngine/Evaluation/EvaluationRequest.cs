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
    /// Names of methods: attention, attention-xM (over M orders of the points), generate, and those that need no model; empty:
    /// <see cref="ModelEvaluation.DefaultMethods"/>.
    /// </summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Orders over which attention is averaged; null: the model's own choice.</summary>
    public int? Permutations { get; init; }

    /// <summary>Episodes of each cell at most; null: all.</summary>
    public long? Limit { get; init; }

    /// <summary>Seed of the methods.</summary>
    public long Seed { get; init; }

    /// <summary>The adapter, and the name that results give it; null: none.</summary>
    public (LoraAdapter Adapter, string Name)? Adapter { get; init; }

    /// <summary>File of results, which may hold those of a run that was ended; null: none.</summary>
    public string? Output { get; init; }
}
