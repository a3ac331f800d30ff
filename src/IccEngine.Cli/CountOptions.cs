using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace IccEngine.Cli;

/// <summary>The options of the number of clusters: given, or estimated from a range.</summary>
internal sealed class CountOptions
{
    private const string Auto = "auto";

    private readonly Option<string> _clusters = new("--clusters", "-k")
    {
        Description = "Number of clusters; auto: estimated, from the attention, the model's answers and silhouettes.",
        HelpName = "K|auto",
        Required = true,
    };

    private readonly Option<int?> _least;
    private readonly Option<int?> _most;

    /// <summary>Adds the options to a command.</summary>
    public CountOptions(Command command)
    {
        command.Options.Add(_clusters);
        _clusters.Validators.Add(Check);
        (_least, _most) = AddRange(command, _clusters);
    }

    /// <summary>The number; null: auto.</summary>
    public int? Clusters(ParseResult parsed) => Number(parsed.GetValue(_clusters)!);

    /// <summary>Least number that is tried; null: left out.</summary>
    public int? Min(ParseResult parsed) => parsed.GetValue(_least);

    /// <summary>Greatest number that is tried; null: left out.</summary>
    public int? Max(ParseResult parsed) => parsed.GetValue(_most);

    /// <summary>Adds the options of the range, which is of use only where the number is estimated.</summary>
    public static (Option<int?> Min, Option<int?> Max) AddRange(Command command, Option clusters)
    {
        var least = new Option<int?>("--min-clusters") { Description = "Least number that auto tries; left out: 2.", HelpName = "K" };
        var most = new Option<int?>("--max-clusters")
        {
            Description = "Greatest number that auto tries; left out: as many as the model was trained on, else 10.",
            HelpName = "K",
        };
        command.Options.Add(least);
        command.Options.Add(most);
        command.Validators.Add(result =>
        {
            var given = new Option[] { least, most }.FirstOrDefault(o => result.GetResult(o) is { Implicit: false });
            if (given is not null && result.GetResult(clusters)?.Tokens is not [{ Value: Auto }])
            {
                result.AddError($"{given.Name} is for --clusters auto only.");
            }
        });
        return (least, most);
    }

    private static void Check(OptionResult result)
    {
        if (result.Tokens is [var token] && token.Value != Auto && Number(token.Value) is null)
        {
            result.AddError($"--clusters: found '{token.Value}', expected a whole number or {Auto}.");
        }
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
