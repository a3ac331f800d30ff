using System.CommandLine;
using IccEngine.InContext;

namespace IccEngine.Cli;

/// <summary>The options of the model's own answer.</summary>
internal sealed class AnswerArguments
{
    private readonly Option<string> _answer = ClusterCommand.Choice<AnswerDecoding>(
        "--answer", "What the model may answer: legal labels only, or anything, which is read afterwards as the paper's code does.");

    private readonly Option<int?> _maxNewTokens = new("--max-new-tokens")
    {
        Description = "Tokens of a free answer at most; left out: the characters of the longest legal answer and 64 more.",
        HelpName = "N",
    };

    private readonly Option<int> _samples = new("--samples")
    {
        Description = "Answers that are drawn for each order of the points; wants a temperature.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<int> _beams = new("--beams")
    {
        Description = "Searches for the likeliest answer, following this many at one time.",
        HelpName = "B",
        DefaultValueFactory = _ => 1,
    };

    private readonly Option<bool> _noCanonical = new("--no-canonical") { Description = "Answers need not number the clusters by first appearance." };

    private readonly Option<bool> _allowUnused = new("--allow-unused") { Description = "Answers need not use every cluster." };

    private readonly Option<string> _consensus =
        ClusterCommand.Choice<AnswerConsensus>("--consensus", "How several answers become one: by spectral clustering of how often points are together, or by votes.");

    private readonly SamplingArguments _sampling;

    private AnswerArguments(SamplingArguments sampling) => _sampling = sampling;

    /// <summary>Adds the options to a command.</summary>
    public static AnswerArguments AddTo(Command command)
    {
        var added = new AnswerArguments(SamplingArguments.AddTo(command));
        foreach (var option in new Option[] { added._answer, added._maxNewTokens, added._samples, added._beams, added._noCanonical, added._allowUnused, added._consensus })
        {
            command.Options.Add(option);
        }
        return added;
    }

    /// <summary>Adds what was asked for to the settings of a clustering.</summary>
    public ClusterOptions Apply(ParseResult parsed, ClusterOptions options) => options with
    {
        Answers = new AnswerOptions
        {
            Decoding = Enum.Parse<AnswerDecoding>(parsed.GetValue(_answer)!, ignoreCase: true),
            MaxNewTokens = parsed.GetValue(_maxNewTokens),
            Sampling = _sampling.Read(parsed),
            Samples = parsed.GetValue(_samples),
            Beams = parsed.GetValue(_beams),
            Canonical = parsed.GetValue(_noCanonical) ? false : null,
            UseAll = parsed.GetValue(_allowUnused) ? false : null,
        },
        Consensus = Enum.Parse<AnswerConsensus>(parsed.GetValue(_consensus)!, ignoreCase: true),
    };
}
