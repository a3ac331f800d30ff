using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc bench, from outside: what it prints and what it refuses, never how fast it was.</summary>
public sealed class BenchCommandTests : IDisposable
{
    private static readonly string[] Order =
        ["startup", "fma", "read", "gemm", "attention", "rmsnorm", "kvcache", "spectral", "packed", "prefill", "memory", "taps", "decode", "pass"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_subject_gives_its_figures_as_json()
    {
        var outcome = Icc.Run("bench", "all", "--shape", "tiny", "--tokens", "1,16", "--batch", "2", "--spans", "3,99", "--repeat", "2", "--threads", "2", "--json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        using var json = JsonDocument.Parse(outcome.Output);
        var results = json.RootElement.GetProperty("results").EnumerateArray().ToArray();
        var names = results.Select(r => r.GetProperty("name").GetString()).Distinct();
        Assert.Equal(Order, names.Order(Comparer<string?>.Create(ByOrder)));
        foreach (var result in results)
        {
            var (median, min, max) = (Number(result, "median"), Number(result, "min"), Number(result, "max"));
            Assert.InRange(median, min, max);
            var once = result.GetProperty("size").GetString()!.Contains("first prediction", StringComparison.Ordinal);
            Assert.Equal(once ? 1 : 2, result.GetProperty("runs").GetInt32());
            Assert.Equal(json.RootElement.GetProperty("machine").GetString(), result.GetProperty("machine").GetString());
            var shares = new[] { "shareOfPeak", "shareOfBandwidth" }.Count(s => result.TryGetProperty(s, out var share) && share.GetDouble() > 0);
            var bare = result.GetProperty("name").GetString() is "taps" or "startup" or "memory" || result.GetProperty("unit").GetString() == "x"
                || result.GetProperty("size").GetString()!.EndsWith("as a whole", StringComparison.Ordinal);
            Assert.Equal(bare ? 0 : 1, shares);
        }
        Assert.True(Number(json.RootElement, "peakGflops") > 0 && Number(json.RootElement, "bandwidthGBs") > 0);
        // One token has no room for three spans, and sixteen none for ninety-nine.
        Assert.Equal(3, results.Count(r => r.GetProperty("name").GetString() == "prefill"));
    }

    [Fact]
    public void Another_device_gives_figures_without_shares()
    {
        var outcome = Icc.Run("bench", "rmsnorm", "--shape", "tiny", "--tokens", "4", "--repeat", "1", "--device", "reference", "--csv");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        var lines = outcome.Output.Trim().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal("name,size,median,min,max,unit,runs,shareOfPeak,shareOfBandwidth,machine", lines[0].Trim());
        Assert.Matches(@"^rmsnorm,""\[4, 64\]"",[0-9.E+-]+,[0-9.E+-]+,[0-9.E+-]+,GB/s,1,,,""", lines[1]);
    }

    [Fact]
    public void Weights_in_int8_are_counted_as_they_are_held()
    {
        var outcome = Icc.Run(
            "bench", "gemm", "--shape", "tiny", "--tokens", "1,40", "--repeat", "1", "--threads", "2", "--quantize", "int8", "--device", "reference", "--csv");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        var sizes = outcome.Output.Trim().Split('\n').Skip(1).ToArray();
        Assert.NotEmpty(sizes);
        Assert.All(sizes, line => Assert.Matches(@"^gemm,""\[(1|40), \d+\] x \[\d+, \d+\] int8"",", line));
        var decode = Icc.Run("bench", "decode", "--shape", "tiny", "--tokens", "3", "--repeat", "1", "--threads", "2", "--quantize", "int8", "--csv");
        Assert.Equal((0, ""), (decode.ExitCode, decode.Error));
    }

    [Fact]
    public void A_made_model_can_be_measured_and_run()
    {
        var folder = _folder.At("model");
        var made = Icc.Run("bench", "make-model", "--shape", "tiny", "--dtype", "f16", "--out", folder, "--seed", "5");
        Assert.Equal((0, "", ""), (made.ExitCode, made.Output, made.Error));
        var outcome = Icc.Run("bench", "decode", "--model", folder, "--tokens", "3", "--repeat", "1");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("32 tokens after 3", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("% of bandwidth", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shape '2b'", "gemm", "--shape", "2b")]
    [InlineData("expected one of them", "gemm", "--shape", "tiny", "--model", "x")]
    [InlineData("0 tokens", "gemm", "--shape", "tiny", "--tokens", "0")]
    [InlineData("--tokens: found 'x'", "prefill", "--shape", "tiny", "--tokens", "x")]
    [InlineData("2000000 tokens", "prefill", "--shape", "tiny", "--tokens", "2000000")]
    [InlineData("0 spans", "attention", "--shape", "tiny", "--spans", "0")]
    [InlineData("0 runs", "gemm", "--shape", "tiny", "--repeat", "0")]
    [InlineData("a batch of 0", "pass", "--shape", "tiny", "--batch", "0")]
    [InlineData("a batch of 5000", "packed", "--batch", "5000")]
    [InlineData("what to measure is missing")]
    [InlineData("device 'gpu'", "gemm", "--shape", "tiny", "--device", "gpu")]
    [InlineData("device cpu computes in float32", "gemm", "--shape", "tiny", "--compute-dtype", "bfloat16")]
    [InlineData("dtype 'int4'", "gemm", "--shape", "tiny", "--compute-dtype", "int4")]
    [InlineData("-1 threads", "gemm", "--shape", "tiny", "--threads", "-1")]
    [InlineData("its limits are not measured", "machine", "--device", "reference")]
    [InlineData("--json and --csv", "gemm", "--json", "--csv")]
    [InlineData("bytes of memory are needed", "gemm", "--shape", "8b", "--tokens", "1048576", "--repeat", "1", "--device", "reference")]
    [InlineData("no-such-folder: no such file", "gemm", "--model", "no-such-folder")]
    [InlineData("shape '2b'", "make-model", "--shape", "2b", "--out", "x")]
    [InlineData("no command or option", "speed")]
    public void Bad_requests_are_refused_in_one_line(string expected, params string[] arguments)
    {
        var outcome = Icc.Run(["bench", .. arguments]);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("icc: ", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_names_every_subject()
    {
        var outcome = Icc.Run("bench", "--list");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        foreach (var subject in Enum.GetNames<BenchmarkSubject>())
        {
            Assert.Contains($"{subject.ToLowerInvariant()} ", outcome.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_packed_batch_and_a_pass_have_the_rows_that_were_asked_for()
    {
        var packed = Icc.Run("bench", "packed", "--tokens", "20", "--batch", "3", "--repeat", "1", "--threads", "2", "--csv");
        Assert.Equal((0, ""), (packed.ExitCode, packed.Error));
        Assert.Equal(1 + 8, packed.Output.Trim().Split('\n').Length);
        var pass = Icc.Run("bench", "pass", "--shape", "tiny", "--batch", "1,3", "--repeat", "1", "--threads", "2", "--csv");
        Assert.Equal((0, ""), (pass.ExitCode, pass.Error));
        Assert.Equal(1 + 4, pass.Output.Trim().Split('\n').Length);
        Assert.Contains("3 tokens of as many sequences after 32", pass.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_holds_something_is_not_written_to()
    {
        _folder.Write("mine.txt", "text");
        var outcome = Icc.Run("bench", "make-model", "--shape", "tiny", "--out", _folder.Path);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("not an empty folder", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Equal([_folder.At("mine.txt")], Directory.GetFiles(_folder.Path));
    }

    private static double Number(JsonElement result, string name) => result.GetProperty(name).GetDouble();

    private static int ByOrder(string? a, string? b)
    {
        return Array.IndexOf(Order, a).CompareTo(Array.IndexOf(Order, b));
    }
}
