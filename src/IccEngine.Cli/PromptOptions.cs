using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>The options of every command that takes a prompt.</summary>
internal sealed class PromptOptions
{
    private readonly Option<string?> _ids = new("--ids") { Description = "Token ids of the prompt, like 1,2,3.", HelpName = "IDS" };

    private readonly Option<string?> _text = new("--prompt") { Description = "Text of the prompt.", HelpName = "TEXT" };

    private readonly Option<string?> _chat = new("--chat") { Description = "JSON file of messages with role and content.", HelpName = "FILE" };

    /// <summary>Adds the options to a command.</summary>
    public static PromptOptions AddTo(Command command)
    {
        var options = new PromptOptions();
        command.Options.Add(options._ids);
        command.Options.Add(options._text);
        command.Options.Add(options._chat);
        return options;
    }

    /// <summary>The tokens of the prompt.</summary>
    public int[] Read(ParseResult parsed, IccModel model) =>
        PromptSource.Read(model, parsed.GetValue(_ids), parsed.GetValue(_text), parsed.GetValue(_chat));
}
