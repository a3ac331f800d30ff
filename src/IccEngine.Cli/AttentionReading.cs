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
        Description = "Score every layer by how clearly it shows clusters, without knowing the true ones, and print the scores.",
    };

    /// <summary>Adds the options to a command.</summary>
    public AttentionReading(Command command)
    {
        command.Options.Add(_layer);
        command.Options.Add(_head);
        command.Options.Add(_table);
    }

    /// <summary>Options that say nothing of a matrix.</summary>
    public IReadOnlyList<Option> OfModel => [_head, _table];

    /// <summary>The layers; null: left out.</summary>
    public LayerSelection? Layers(ParseResult parsed) => parsed.GetValue(_layer) is { } text ? LayerSelection.Parse(text) : null;

    /// <summary>Puts what is asked for into the settings of a clustering.</summary>
    public ClusterOptions Set(ParseResult parsed, ClusterOptions options) => options with
    {
        Layer = Layers(parsed),
        Head = parsed.GetValue(_head),
        LayerScores = parsed.GetValue(_table),
    };
}
