using System.Text.RegularExpressions;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>The commands that the README tells people to type.</summary>
public partial class ReadmeCommandTests
{
    private static string Readme { get; } = File.ReadAllText(Path.Combine(Goldens.Repository, "README.md"));

    [Fact]
    public void The_first_command_works_and_gives_the_figures_that_the_readme_states()
    {
        var command = FirstCommand().Match(Readme);
        Assert.True(command.Success);
        var arguments = command.Groups[1].Value.Trim().Split(' ').Select(a => a.StartsWith("tools/", StringComparison.Ordinal) ? Path.Combine(Goldens.Repository, a) : a);
        var outcome = Icc.Run([.. arguments]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains(Figures().Match(outcome.Output).Value, Readme, StringComparison.Ordinal);
    }

    [Fact]
    public void The_test_command_is_what_ci_runs()
    {
        var ci = File.ReadAllText(Path.Combine(Goldens.Repository, ".ci", "run"));
        const string command = "dotnet test IccEngine.sln -c Release";
        Assert.Contains($"\n{command}\n", Readme, StringComparison.Ordinal);
        Assert.Contains($"\n{command} ", ci, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_that_the_readme_names_is_there()
    {
        var help = string.Concat(new[] { "cluster", "cluster-text", "data", "eval", "inspect", "generate", "bench gemm", "bench make-model", "profile" }.Select(c => Icc.Run([.. c.Split(' '), "--help"]).Output));
        var options = Options().Matches(Readme).Select(m => m.Value).Where(o => o is not "--project" and not "--help").Distinct().ToArray();
        Assert.True(options.Length > 10);
        Assert.All(options, option => Assert.Contains($"{option} ", help, StringComparison.Ordinal));
    }

    [GeneratedRegex("--project src/IccEngine.Cli -- (.*)")]
    private static partial Regex FirstCommand();

    [GeneratedRegex(@"accuracy .*")]
    private static partial Regex Figures();

    [GeneratedRegex(@"--[a-z-]{2,}[a-z]")]
    private static partial Regex Options();
}
