using System.CommandLine;
using IccEngine.Core;

namespace IccEngine.Cli;

/// <summary>Runs a command line: one-line errors, exit codes, Ctrl-C.</summary>
internal static class CommandHost
{
    public const int Done = 0;
    public const int BadInput = 1;
    public const int InternalError = 2;
    public const int Cancelled = 130;

    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Print the stack trace of an error.", Recursive = true };

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Options.Add(Verbose);
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var command = parsed.CommandResult.Command;
            var message = parsed.UnmatchedTokens is [var token, ..] ? $"'{token}' is no command or option." : Plain(parsed.Errors[0].Message);
            Console.Error.WriteLine($"icc: {message} ({(command == root ? "icc" : $"icc {command.Name}")} --help lists what there is)");
            return BadInput;
        }
        var verbose = parsed.GetValue(Verbose);
        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("icc: cancelled");
            return Cancelled;
        }
        catch (IccException e)
        {
            return Fail(e, BadInput, e.Message);
        }
        catch (Exception e)
        {
            return Fail(e, InternalError, $"internal error: {e.GetType().Name}: {e.Message} (--verbose prints where)");
        }

        int Fail(Exception e, int code, string message)
        {
            Console.Error.WriteLine($"icc: {message.ReplaceLineEndings(" ")}");
            if (verbose)
            {
                Console.Error.WriteLine(e);
            }
            return code;
        }
    }

    /// <summary>A message of the parser on one line, in words of the user's and not of the program's.</summary>
    private static string Plain(string message) => string.Join(' ', message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        .Replace("as expected type 'System.Int32'", "as a whole number", StringComparison.Ordinal)
        .Replace("as expected type 'System.Int64'", "as a whole number", StringComparison.Ordinal)
        .Replace("as expected type 'System.Nullable`1[System.Int32]'", "as a whole number", StringComparison.Ordinal)
        .Replace("as expected type 'System.Nullable`1[System.Int64]'", "as a whole number", StringComparison.Ordinal);
}
