using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc profile, from outside.</summary>
public sealed class ProfileCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tables_and_a_trace_are_given()
    {
        var trace = _folder.At("trace.json");
        var outcome = Icc.Run("profile", "--tokens", "24", "--spans", "3", "--trace", trace);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        foreach (var expected in new[] { "24 tokens, 3 spans", "attention with taps", "layer 5", "kv cache", "GFLOP/s" })
        {
            Assert.Contains(expected, outcome.Output, StringComparison.Ordinal);
        }
        using var json = JsonDocument.Parse(File.ReadAllText(trace));
        Assert.NotEqual(0, json.RootElement.GetProperty("traceEvents").GetArrayLength());
    }

    [Fact]
    public void Json_is_one_object()
    {
        var outcome = Icc.Run("profile", "--tokens", "8", "--device", "reference", "--json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        using var json = JsonDocument.Parse(outcome.Output);
        Assert.Equal(8, json.RootElement.GetProperty("tokens").GetInt32());
        Assert.All(json.RootElement.GetProperty("operations").EnumerateArray(), o => Assert.True(o.GetProperty("calls").GetInt32() > 0));
    }

    [Theory]
    [InlineData("0 tokens", "--tokens", "0")]
    [InlineData("9 spans of 8 tokens", "--tokens", "8", "--spans", "9")]
    [InlineData("no-such-folder", "--model", "no-such-folder")]
    [InlineData("device 'gpu'", "--device", "gpu")]
    [InlineData("no-such-folder", "--tokens", "4", "--trace", "no-such-folder/trace.json")]
    public void Bad_requests_are_refused_in_one_line(string expected, params string[] arguments)
    {
        var outcome = Icc.Run(["profile", .. arguments]);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
    }
}
