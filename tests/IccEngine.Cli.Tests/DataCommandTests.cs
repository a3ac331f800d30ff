using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc data, from outside.</summary>
public sealed class DataCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Episodes_are_written_and_the_same_for_a_seed()
    {
        var (first, second) = (Path.Combine(_folder.Path, "a.jsonl"), Path.Combine(_folder.Path, "b.jsonl"));
        var outcome = Icc.Run("data", "t:df=1/2,c=2/3,count=5,seed=9", "--out", first);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("20 episodes, t:c=2/3,d=3,n=10..50,df=1/2,count=5,seed=9", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(0, Icc.Run("data", "t:df=1/2,c=2/3,count=5,seed=9", "--out", second).ExitCode);
        Assert.Equal(20, File.ReadAllLines(first).Length);
        Assert.Equal(File.ReadAllText(first), File.ReadAllText(second));
    }

    [Fact]
    public void A_single_episode_can_be_a_table_that_is_clustered()
    {
        var path = Path.Combine(_folder.Path, "rings.csv");
        Assert.Equal(0, Icc.Run("data", "rings:c=2,n=50,count=1", "--csv", "--out", path).ExitCode);
        Assert.Equal("x1,x2,class", File.ReadLines(path).First());
        var outcome = Icc.Run("cluster", path, "-k", "2", "--label-column", "class", "--method", "single");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("50 rows, 2 columns; cpu", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("single, ", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kind: found 'u', expected t, lognormal", "u")]
    [InlineData("key: found 'df'", "rings:df=2")]
    [InlineData("count: found '0'", "t:count=0")]
    [InlineData("100 episodes, expected one for a table", "t", "--csv")]
    public void Bad_specs_are_refused_in_one_line(string expected, params string[] options)
    {
        var outcome = Icc.Run(["data", .. options, "--out", Path.Combine(_folder.Path, "never")]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }
}
