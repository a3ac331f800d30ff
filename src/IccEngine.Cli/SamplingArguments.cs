using System.CommandLine;
using IccEngine.Core;

namespace IccEngine.Cli;

/// <summary>The options of every command that draws tokens.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<double> _temperature = new("--temperature") { Description = "Divides the logits; 0: always the likeliest token.", HelpName = "T" };

    private readonly Option<int> _topK = new("--top-k") { Description = "Draws from the k likeliest tokens; 0: from all.", HelpName = "K" };

    private readonly Option<double> _topP = new("--top-p")
    {
        Description = "Draws from the likeliest tokens that have this probability together; 1: from all.",
        HelpName = "P",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<double> _minP = new("--min-p") { Description = "Draws from tokens at least this times as likely as the likeliest.", HelpName = "P" };

    /// <summary>Adds the options to a command.</summary>
    public static SamplingArguments AddTo(Command command)
    {
        var added = new SamplingArguments();
        foreach (var option in new Option[] { added._temperature, added._topK, added._topP, added._minP })
        {
            command.Options.Add(option);
        }
        return added;
    }

    /// <summary>What was asked for.</summary>
    public SamplingOptions Read(ParseResult parsed) =>
        new(parsed.GetValue(_temperature), parsed.GetValue(_topK), parsed.GetValue(_topP), parsed.GetValue(_minP));
}
