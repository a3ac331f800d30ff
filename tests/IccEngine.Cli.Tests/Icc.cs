using System.Diagnostics;
using IccEngine.Testing;

namespace IccEngine.Cli.Tests;

/// <summary>Runs the command as a user does: in a process of its own.</summary>
internal static class Icc
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    public sealed record Outcome(int ExitCode, string Output, string Error)
    {
        /// <summary>The error's only line.</summary>
        public string ErrorLine => Error.TrimEnd('\n').Contains('\n') ? throw new InvalidOperationException($"several lines: {Error}") : Error.TrimEnd('\n');
    }

    public static string Samples { get; } = Path.Combine(Goldens.Repository, "tools", "samples");

    public static string ChatModel { get; } = Path.Combine(Goldens.Repository, "tests", "goldens", "models", "e2e-chat-bf16");

    public static Outcome Run(params string[] arguments) => Finish(Start(new Dictionary<string, string>(), arguments));

    public static Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "icc.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return Process.Start(start)!;
    }

    public static Outcome Finish(Process process)
    {
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(_limit))
            {
                process.Kill(entireProcessTree: true);
                throw new TimeoutException($"icc did not end within {_limit}");
            }
            return new Outcome(process.ExitCode, output.Result, error.Result);
        }
    }
}
