using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>--report: the results as a page.</summary>
internal sealed class ReportOption
{
    private readonly Option<string?> _file = new("--report")
    {
        Description = "Write a page with drawings and tables, which needs nothing but itself, to this file.",
        HelpName = "FILE.html",
    };

    /// <summary>Adds the option to a command.</summary>
    public ReportOption(Command command) => command.Options.Add(_file);

    /// <summary>Whether a page is wanted; where it cannot be written, that is said before any work.</summary>
    public bool IsGiven(ParseResult parsed)
    {
        if (parsed.GetValue(_file) is not { } path)
        {
            return false;
        }
        HtmlReport.CheckPlace(path);
        return true;
    }

    /// <summary>Writes the page, where one is wanted.</summary>
    public void Write(ParseResult parsed, Action<string> write)
    {
        if (parsed.GetValue(_file) is { } path)
        {
            write(path);
        }
    }
}
