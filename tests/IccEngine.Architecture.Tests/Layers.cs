namespace IccEngine.Architecture.Tests;

/// <summary>The layers of the house: which project may reference which, and what it may see of the far ones.</summary>
internal static class Layers
{
    /// <summary>The arrows between projects, all downward. What an arrow brings transitively may be used as well.</summary>
    public static IReadOnlyDictionary<string, string[]> Arrows { get; } = new Dictionary<string, string[]>
    {
        ["IccEngine.Core"] = [],
        ["IccEngine.Cpu"] = ["IccEngine.Core"],
        ["IccEngine.Cuda"] = ["IccEngine.Core"],
        ["IccEngine.Formats"] = ["IccEngine.Core"],
        ["IccEngine.Clustering"] = ["IccEngine.Core"],
        ["IccEngine.Models"] = ["IccEngine.Formats", "IccEngine.Core"],
        ["IccEngine.InContext"] = ["IccEngine.Models", "IccEngine.Clustering"],
        ["IccEngine.Training"] = ["IccEngine.Models", "IccEngine.InContext"],
        ["IccEngine"] = ["IccEngine.InContext", "IccEngine.Training", "IccEngine.Cpu", "IccEngine.Cuda"],
        ["IccEngine.Cli"] = ["IccEngine"],
    };

    /// <summary>
    /// Folders whose code may be unsafe: buffers and mapped files, the backends, and the tests that drive a backend's vector operations
    /// where they work, on pointers.
    /// </summary>
    public static IReadOnlyList<string> MayBeUnsafe { get; } =
        ["src/IccEngine.Core/", "src/IccEngine.Cpu/", "src/IccEngine.Cuda/", "tests/IccEngine.Contract.Tests/"];

    /// <summary>Projects that see the seam, and never who stands behind it.</summary>
    public static IReadOnlyList<string> BackendBlind { get; } =
        ["IccEngine.Models", "IccEngine.Clustering", "IccEngine.InContext", "IccEngine.Training"];

    /// <summary>
    /// What the command may name below the facade. It parses and prints; whatever it has to know of a lower layer is listed here, with
    /// the reason. A type that wants to be added usually wants a method on the facade instead.
    /// </summary>
    public static IReadOnlyList<SeenType> SeenByCli { get; } =
    [
        new("IccEngine.Core", "IccException", "a user's error is printed in one line and gives its exit code"),
        new("IccEngine.Core", "SamplingOptions", "temperature, top-k, top-p and min-p of the command line; handed to the facade as it is"),
        new("IccEngine.Core", "TokenSpan", "spans on the command line, inside a TapRequest"),
        new("IccEngine.Formats", "Table", "the rows that were clustered are printed with their columns' names"),
        new("IccEngine.InContext", "AnswerConsensus", "a choice of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "AnswerDecoding", "a choice of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "AnswerOptions", "samples, beams and legal answers of the command line; handed to the facade as they are"),
        new("IccEngine.InContext", "Answer", "the probability of each answer is printed"),
        new("IccEngine.Formats", "TableOptions", "options of the command line name columns"),
        new("IccEngine.Clustering", "ClusteringMethod", "whether a method needs no model decides whether the model is printed"),
        new("IccEngine.Clustering", "EpisodeSpec", "what was generated is printed with every key"),
        new("IccEngine.InContext", "CalibrationScores", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "CellScore", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "ConfidenceCurve", "what an evaluation fitted is printed"),
        new("IccEngine.InContext", "CountCandidate", "numbers of clusters that were tried are printed with their criteria"),
        new("IccEngine.InContext", "EvaluationCell", "cells of an evaluation are printed"),
        new("IccEngine.InContext", "EvaluationSetting", "what an evaluation's results depend on is printed"),
        new("IccEngine.InContext", "MethodScores", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "PairedDifference", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "PaperColumn", "a table of the paper is printed beside the results"),
        new("IccEngine.InContext", "PaperRow", "a table of the paper is printed beside the results"),
        new("IccEngine.InContext", "PaperTable", "a table of the paper is printed beside the results"),
        new("IccEngine.InContext", "PaperValue", "a table of the paper is printed beside the results"),
        new("IccEngine.InContext", "Reliability", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "ReliabilityBin", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "Score", "scores of an evaluation are printed"),
        new("IccEngine.InContext", "LayerSelection", "the layers of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "AffinityKind", "a choice of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "Symmetrisation", "a choice of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "PositionCorrection", "a choice of the command line; handed to the facade as it is"),
        new("IccEngine.InContext", "LayerScore", "the scores of the layers are printed"),
        new("IccEngine.Models", "InspectRequest", "options of the command line say what is looked at; handed to the facade as it is"),
        new("IccEngine.Models", "TapRequest", "spans and singles of the command line; handed to the facade as it is"),
        new("IccEngine.Models", "LoraAdapter", "held open while the facade uses it"),
    ];

    /// <summary>Everything that a project may use: what its arrows lead to.</summary>
    public static IReadOnlySet<string> Reachable(string project)
    {
        var found = new HashSet<string>();
        var open = new Stack<string>(Arrows[project]);
        while (open.TryPop(out var next))
        {
            if (found.Add(next))
            {
                Array.ForEach(Arrows[next], open.Push);
            }
        }
        return found;
    }

    /// <summary>The project that a namespace belongs to, or null.</summary>
    public static string? Owner(string space) =>
        Arrows.Keys.Where(p => space == p || space.StartsWith(p + ".", StringComparison.Ordinal)).MaxBy(p => p.Length);
}

/// <summary>A type of a lower layer that an upper one may name.</summary>
internal sealed record SeenType(string Project, string Name, string Reason);
