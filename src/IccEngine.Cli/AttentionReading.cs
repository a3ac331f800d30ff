using System.CommandLine;
using IccEngine.InContext;

namespace IccEngine.Cli;

/// <summary>The options that say which attention is read: layers and head.</summary>
internal sealed class AttentionReading
{
    private readonly Option<string?> _layer = new("--layer")
    {
        Description = "Layer whose attention is read; A-B: the mean over several; auto: the one that shows clusters best; left out: the model's own choice.",
        HelpName = "auto|L|A-B",
    };

    private readonly Option<int?> _head = new("--head") { Description = "Query head whose attention is read; left out: the mean over all.", HelpName = "H" };

    private readonly Option<bool> _table = new("--layers-table")
    {
        Description = "Score every layer and head by how clearly it shows clusters, without knowing the true ones, and print the scores.",
    };

    private readonly Option<string> _kind = ClusterCommand.Choice<AffinityKind>(
        "--affinity-kind", "Attention between the points (ii), from the labels of the model's answer to the points (oi), or between these labels (oo).");

    private readonly Option<string> _symmetrisation = ClusterCommand.Choice<Symmetrisation>(
        "--symmetrisation", "How a pair's entries of several orders, or of both directions, become one: power mean of exponent 1/4, or arithmetic mean.");

    private readonly Option<string> _correction = ClusterCommand.Choice<PositionCorrection>(
        "--position-correction", "Make attention relative to looking at all points alike, as the paper does, or take it as it is.");

    /// <summary>Adds the options to a command.</summary>
    public AttentionReading(Command command)
    {
        foreach (var option in OfModel.Prepend(_layer))
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Options that say nothing of a matrix.</summary>
    public IReadOnlyList<Option> OfModel => [_head, _table, _kind, _symmetrisation, _correction];

    /// <summary>The layers; null: left out.</summary>
    public LayerSelection? Layers(ParseResult parsed) => parsed.GetValue(_layer) is { } text ? LayerSelection.Parse(text) : null;

    /// <summary>Puts what is asked for into the settings of a clustering.</summary>
    public ClusterOptions Set(ParseResult parsed, ClusterOptions options) => options with
    {
        Layer = Layers(parsed),
        Head = parsed.GetValue(_head),
        LayerScores = parsed.GetValue(_table),
        AffinityKind = Chosen<AffinityKind>(parsed.GetValue(_kind)!),
        Symmetrisation = Chosen<Symmetrisation>(parsed.GetValue(_symmetrisation)!),
        PositionCorrection = Chosen<PositionCorrection>(parsed.GetValue(_correction)!),
    };

    private static T Chosen<T>(string name) where T : struct, Enum => Enum.Parse<T>(name, ignoreCase: true);
}
