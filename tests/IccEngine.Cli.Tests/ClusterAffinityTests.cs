using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc cluster --affinity, from outside.</summary>
public sealed class ClusterAffinityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public ClusterAffinityTests()
    {
        // Blocks of 4 and 3 points: as an affinity, and as attention that falls off towards earlier points.
        const int n = 7;
        var (affinity, attention) = (new double[n * n], new float[2 * n * n]);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                var together = i < 4 == j < 4;
                affinity[i * n + j] = together ? 1 : 0.02;
                attention[n * n + i * n + j] = j > i ? 0 : (together ? 0.5f : 0.01f) / (i + 1);
            }
        }
        _file = Path.Combine(_folder.Path, "a.safetensors");
        double[] broken = [.. affinity];
        broken[2 * n + 3] = double.NaN;
        SafeTensorsWriter.Write(_file, new[]
        {
            HostTensor.FromArray("sim", affinity, n, n), HostTensor.FromArray("pool:A_II", attention, 2, n, n),
            HostTensor.FromArray("broken", broken, n, n), HostTensor.FromArray("flat", affinity, n * n), HostTensor.FromArray("ids", new long[4], 2, 2),
            HostTensor.FromArray("negative", [0.0, 1, -1, 0], 2, 2), HostTensor.FromArray("wide", new float[6], 2, 3),
        }.Select(t => SafeTensorsItem.From(t)));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("sim")]
    [InlineData("pool:A_II", "--layer", "1", "--raw-attention")]
    public void Blocks_are_found(string tensor, params string[] options)
    {
        var path = Path.Combine(_folder.Path, "out.csv");
        var outcome = Icc.Run(["cluster", "--affinity", $"{_file}:{tensor}", "-k", "2", "--json", "--out", path, .. options]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal(tensor, document.RootElement.GetProperty("tensor").GetString());
        var result = document.RootElement.GetProperty("results")[0];
        int[] labels = [.. result.GetProperty("labels").EnumerateArray().Select(l => l.GetInt32())];
        Assert.Equal([0, 0, 0, 0, 1, 1, 1], labels);
        Assert.Equal(["point,cluster", .. labels.Select((l, i) => $"{i},{l}")], File.ReadAllLines(path));
    }

    [Theory]
    [InlineData("sim")]
    [InlineData("pool:A_II", "--layer", "1", "--raw-attention")]
    public void Blocks_are_counted(string tensor, params string[] options)
    {
        var outcome = Icc.Run(["cluster", "--affinity", $"{_file}:{tensor}", "-k", "auto", "--max-clusters", "4", "--json", .. options]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal(2, document.RootElement.GetProperty("clusters").GetInt32());
        var candidates = document.RootElement.GetProperty("candidates").EnumerateArray().ToArray();
        Assert.Equal([2, 3, 4], candidates.Select(c => c.GetProperty("clusters").GetInt32()));
        Assert.Equal([true, false, false], candidates.Select(c => c.GetProperty("chosen").GetBoolean()));
        Assert.All(candidates, c => Assert.Equal(
            (JsonValueKind.Number, JsonValueKind.Number, JsonValueKind.Null, JsonValueKind.Null),
            (c.GetProperty("eigengap").ValueKind, c.GetProperty("embedding_silhouette").ValueKind, c.GetProperty("point_silhouette").ValueKind,
                c.GetProperty("log_probability").ValueKind)));
    }

    [Fact]
    public void Sizes_and_labels_are_printed()
    {
        var outcome = Icc.Run("cluster", "--affinity", $"{_file}:sim", "-k", "2");
        Assert.Contains("sizes: 0: 4, 1: 3", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("labels: 0 0 0 0 1 1 1", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'nope': not in the file", "nope")]
    [InlineData("sim [7, 7], ", "nope")]
    [InlineData("no tensor is named", null)]
    [InlineData("row 2, column 3: found NaN", "broken")]
    [InlineData("found [49], expected [n, n]", "flat")]
    [InlineData("found [2, 3], expected [n, n]", "wide")]
    [InlineData("found I64, expected F64", "ids")]
    [InlineData("row 1, column 0: found -1", "negative", "--raw-attention")]
    [InlineData("8 clusters of 7 points", "sim", "-k", "8")]
    [InlineData("layer 0 of [7, 7]", "sim", "--layer", "0")]
    [InlineData("no layer of [2, 7, 7]; expected a layer from 0 to 1", "pool:A_II")]
    [InlineData("layer 2 of [2, 7, 7]", "pool:A_II", "--layer", "2")]
    [InlineData("--columns is of no use with --affinity", "sim", "--columns", "1")]
    [InlineData("--model is of no use with --affinity", "sim", "--model", "x")]
    [InlineData("only one of them", "sim", "table.csv")]
    [InlineData("no folder", "sim", "--out", "no/such/folder/out.csv")]
    public void Bad_input_is_refused_in_one_line(string expected, string? tensor, params string[] options)
    {
        string[] clusters = options.Contains("-k") ? [] : ["-k", "2"];
        var outcome = Icc.Run(["cluster", "--affinity", tensor is null ? _file : $"{_file}:{tensor}", .. clusters, .. options]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output);
    }

    [Theory]
    [InlineData("none.safetensors", "--affinity", "none.safetensors:x")]
    [InlineData("FILE, or --affinity, is missing")]
    [InlineData("--raw-attention is for --affinity only", "table.csv", "--raw-attention")]
    public void What_is_missing_is_said(string expected, params string[] options) =>
        Assert.Contains(expected, Icc.Run(["cluster", "-k", "2", .. options]).ErrorLine, StringComparison.Ordinal);
}
