using System.Diagnostics;
using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc eval, from outside.</summary>
public sealed class EvalCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Mixed => Path.Combine(Goldens.Repository, "tests", "data", "episodes", "mixed.jsonl");

    private static string Order => Path.Combine(Goldens.Repository, "tests", "data", "episodes", "order.jsonl");

    private string Results => Path.Combine(_folder.Path, "results.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Json_has_the_scores_of_every_method_and_cell()
    {
        var outcome = Icc.Run("eval", "--data", Mixed, Order, "--method", "attention-x2,generate,ward", "--json");
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var methods = document.RootElement.GetProperty("methods").EnumerateArray().ToArray();
        Assert.Equal(["attention-x2", "generate", "ward"], methods.Select(m => m.GetProperty("method").GetString()!));
        Assert.All(methods, m =>
        {
            var cells = m.GetProperty("cells").EnumerateArray().ToArray();
            Assert.Equal([2, 2, 1, 1, 1], cells.Select(c => c.GetProperty("episodes").GetInt32()));
            Assert.Equal("lognormal", cells[2].GetProperty("dist").GetString());
            Assert.Equal(100, cells[1].GetProperty("df").GetDouble());
            Assert.All(cells, c => Assert.InRange(c.GetProperty("accuracy").GetDouble(), 0.3, 1));
            var overall = m.GetProperty("overall");
            Assert.Equal(
                cells.Sum(c => c.GetProperty("accuracy").GetDouble() * c.GetProperty("episodes").GetInt32()) / 7,
                overall.GetProperty("accuracy").GetDouble(), 10);
            Assert.Equal(0, overall.GetProperty("unparsed").GetInt32());
            Assert.NotEqual(JsonValueKind.Null, overall.GetProperty("order_deviation").ValueKind);
            Assert.Equal(m.GetProperty("method").GetString() == "ward", overall.GetProperty("tokens").GetInt64() == 0);
        });
    }

    [Fact]
    public void Confidence_is_shown_beside_what_is_right_and_can_be_calibrated()
    {
        string[] arguments = ["eval", "--data", Mixed, "--method", "generate,generate-x3,generate-free-x2,ward", "--calibrate", "--out", Results];
        var outcome = Icc.Run([.. arguments, "--json"]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.True(document.RootElement.GetProperty("raw_confidence").GetBoolean());
        var methods = document.RootElement.GetProperty("methods").EnumerateArray().ToArray();
        var points = File.ReadLines(Results).Skip(1).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(r => r.GetProperty("method").GetString() == "generate").Sum(r => r.GetProperty("points").GetInt32());
        foreach (var (method, answers) in methods.Zip([1, 3]))
        {
            var curve = method.GetProperty("calibration").GetProperty("curve");
            Assert.Equal(answers, curve.GetProperty("answers").GetInt32());
            foreach (var found in new[] { method.GetProperty("reliability"), method.GetProperty("calibration").GetProperty("reliability") })
            {
                Assert.Equal(points, found.GetProperty("points").GetInt32());
                Assert.Equal(points, found.GetProperty("bins").EnumerateArray().Sum(b => b.GetProperty("points").GetInt32()));
                Assert.InRange(found.GetProperty("ece").GetDouble(), 0, 1);
                Assert.InRange(found.GetProperty("brier").GetDouble(), 0, 1);
            }
        }
        // Several free answers agree or not; without probabilities there is nothing to calibrate.
        Assert.Equal(points, methods[2].GetProperty("reliability").GetProperty("points").GetInt32());
        Assert.Equal(JsonValueKind.Null, methods[2].GetProperty("calibration").ValueKind);
        Assert.Equal(JsonValueKind.Null, methods[3].GetProperty("reliability").ValueKind);
        outcome = Icc.Run(arguments);
        Assert.Contains("confidence of generate-x3: expected calibration error", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("for icc.json: \"calibration\": {\"curves\":[{\"answers\":1,", outcome.Output, StringComparison.Ordinal);
        Refused("raw_confidence found True, expected False", "--data", Mixed, "--out", Results);
    }

    [Fact]
    public void Answers_that_cannot_be_read_are_counted()
    {
        var outcome = Icc.Run(
            "eval", "--generate", "t:c=2,n=5,count=2", "--method", "generate-free-x3,generate", "--model", Icc.ChatModel, "--json", "--out", Results);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var methods = document.RootElement.GetProperty("methods").EnumerateArray().ToArray();
        Assert.Equal([6, 0], methods.Select(m => m.GetProperty("overall").GetProperty("unparsed").GetInt32()));
        Assert.Equal([6, 0], methods.Select(m => m.GetProperty("cells")[0].GetProperty("unparsed").GetInt32()));
        Assert.Equal([3, 0, 3, 0], File.ReadLines(Results).Skip(1).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("unparsed").GetInt32()));
        // What is made of an empty answer: one cluster.
        Assert.InRange(methods[0].GetProperty("overall").GetProperty("accuracy").GetDouble(), 0.5, 0.9);
    }

    [Fact]
    public void Methods_can_estimate_the_number_of_clusters()
    {
        string[] arguments = ["eval", "--data", Mixed, "--method", "attention-x2,generate,ward,hdbscan", "--out", Results];
        var outcome = Icc.Run([.. arguments, "--clusters", "auto", "--json"]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal("2..5", document.RootElement.GetProperty("clusters").GetString());
        Assert.All(document.RootElement.GetProperty("methods").EnumerateArray(), m =>
        {
            var overall = m.GetProperty("overall");
            var cells = m.GetProperty("cells").EnumerateArray().ToArray();
            var right = cells.Sum(c => c.GetProperty("right_clusters").GetDouble() * c.GetProperty("episodes").GetInt32());
            Assert.Equal(right / overall.GetProperty("episodes").GetInt32(), overall.GetProperty("right_clusters").GetDouble(), 1e-12);
        });
        var lines = File.ReadAllLines(Results).Skip(1).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        var shares = lines.Where(l => l.GetProperty("method").GetString() == "ward")
            .Average(l => l.GetProperty("clusters").GetInt32() == l.GetProperty("cell").GetProperty("c").GetInt32() ? 1.0 : 0);
        Assert.Equal(shares, document.RootElement.GetProperty("methods")[2].GetProperty("overall").GetProperty("right_clusters").GetDouble(), 1e-12);
        Assert.Contains("number right", Icc.Run([.. arguments, "--clusters", "auto"]).Output, StringComparison.Ordinal);
        Assert.Contains("another setting: clusters found 2..5, expected none", Icc.Run(arguments).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_stand_beside_the_papers()
    {
        var outcome = Icc.Run("eval", "--paper", "table1", "--limit", "2", "--method", "kmeans-1,ward");
        Assert.Equal("", outcome.Error);
        Assert.Contains("kmeans-1", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("paper: Llama-3.1-8B fine-tuned", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_killed_evaluation_goes_on_to_the_results_of_one_run()
    {
        string[] arguments = ["eval", "--generate", "t:c=3,d=3,df=1/5,count=40", "--method", "attention-x8,kmeans-1", "--json"];
        string[] withFile = [.. arguments, "--out", Results];
        var process = Icc.Start(new Dictionary<string, string>(), withFile);
        WaitForLines(process, 20);
        process.Kill();
        Icc.Finish(process);
        var kept = File.ReadAllText(Results);
        Assert.InRange(kept.Count(c => c == '\n'), 20, 160);
        // What a crash in the middle of a line leaves.
        File.AppendAllText(Results, "{\"method\":\"attention-x8\",\"epis");
        var resumed = Icc.Run(withFile);
        Assert.Equal((0, ""), (resumed.ExitCode, resumed.Error));
        var lines = File.ReadAllLines(Results);
        Assert.Equal(161, lines.Length);
        Assert.StartsWith(kept[..(kept.LastIndexOf('\n') + 1)], File.ReadAllText(Results), StringComparison.Ordinal);
        Assert.Equal(Scores(Icc.Run(arguments).Output), Scores(resumed.Output));

        static string[] Scores(string json)
        {
            using var document = JsonDocument.Parse(json);
            return [.. document.RootElement.GetProperty("methods").EnumerateArray().SelectMany(m => m.GetProperty("cells").EnumerateArray()
                .Append(m.GetProperty("overall")).Select(s => string.Join(' ', new[] { "episodes", "accuracy", "standard_error", "ari", "nmi", "tokens" }
                    .Select(name => s.GetProperty(name).GetRawText()))))];
        }
    }

    [SkippableFact]
    public void Ctrl_C_leaves_a_file_to_go_on_from()
    {
        Skip.If(OperatingSystem.IsWindows() || OperatingSystem.IsMacOS(), "there is no SIGINT to send on Windows, and no lock on a file's bytes on macOS");
        string[] arguments = ["eval", "--generate", "t:count=100000", "--method", "attention", "--out", Results];
        var process = Icc.Start(new Dictionary<string, string>(), arguments);
        WaitForLines(process, 5);
        var second = Icc.Run(arguments);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("results.jsonl: cannot be written", second.ErrorLine, StringComparison.Ordinal);
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
        {
            kill.WaitForExit();
        }
        var outcome = Icc.Finish(process);
        Assert.Equal((130, "icc: cancelled"), (outcome.ExitCode, outcome.ErrorLine));
        Assert.EndsWith("\n", File.ReadAllText(Results), StringComparison.Ordinal);
        Assert.Equal(0, Icc.Run([.. arguments, "--limit", "6", "--threads", "0"]).ExitCode);
    }

    [Fact]
    public void Results_of_another_setting_are_refused()
    {
        Assert.Equal(0, Icc.Run("eval", "--data", Mixed, "--method", "ward", "--out", Results).ExitCode);
        Refused("has results of another setting: data", "--data", Order, "--out", Results);
        Refused("has results of another setting: seed found 0, expected 1", "--data", Mixed, "--out", Results, "--seed", "1");
        Refused("has results of another setting: permutations found none, expected 4", "--data", Mixed, "--out", Results, "--permutations", "4");
    }

    [Theory]
    [InlineData("data: found none")]
    [InlineData("expected one of them", "--data", "x.jsonl", "--generate", "t")]
    [InlineData("nowhere.jsonl: no such file", "--data", "nowhere.jsonl")]
    [InlineData("data, kind: found 'u', expected t, lognormal", "--generate", "u")]
    [InlineData("data 't', df: found '0'", "--generate", "t:df=0")]
    [InlineData("paper: found 'table2', expected one of table1, table4, table5, table6", "--paper", "table2")]
    [InlineData("method: found 'kmean', expected one of attention, generate, generate-free (read afterwards), each with -xM for M orders of the points, kmeans,", "--generate", "t", "--method", "kmean")]
    [InlineData("method: found 'both'", "--generate", "t", "--method", "both")]
    [InlineData("method: found 'both-x2'", "--generate", "t", "--method", "both-x2")]
    [InlineData("method: found 'ward-x2'", "--generate", "t", "--method", "ward-x2")]
    [InlineData("method: found 'generate-x'", "--generate", "t", "--method", "generate-x")]
    [InlineData("method: found 'attention-x0'", "--generate", "t", "--method", "ward,attention-x0")]
    [InlineData("method: found ''", "--generate", "t", "--method", "ward,")]
    [InlineData("method: found 'ward:layer=1'", "--generate", "t", "--method", "ward:layer=1")]
    [InlineData("attention: found 'depth=1', expected layer=, head=", "--generate", "t", "--method", "attention:layer=1:depth=1")]
    [InlineData("attention: found ''", "--generate", "t", "--method", "attention:")]
    [InlineData("attention: found 'head=x'", "--generate", "t", "--method", "attention-x2:head=x")]
    [InlineData("layer: found 'first'", "--generate", "t", "--method", "attention:layer=first")]
    [InlineData("attention, kind: found 'io', expected ii, oi, oo", "--generate", "t", "--method", "attention:kind=io")]
    [InlineData("attention, symmetrisation: found '', expected power, mean", "--generate", "t", "--method", "attention:symmetrisation=")]
    [InlineData("attention, position: found '1', expected relative, none", "--generate", "t", "--method", "attention:position=1")]
    [InlineData("method: found ward twice", "--generate", "t", "--method", "ward,ward")]
    [InlineData("0 permutations", "--generate", "t", "--permutations", "0")]
    [InlineData("limit: found 0", "--generate", "t", "--limit", "0")]
    [InlineData("whole number", "--generate", "t", "--limit", "many")]
    [InlineData("no folder", "--generate", "t", "--out", "no/such/folder/results.jsonl")]
    [InlineData("no such folder", "--generate", "t", "--model", "nowhere")]
    [InlineData("device 'tpu'", "--generate", "t", "--device", "tpu")]
    public void Bad_options_are_refused_in_one_line(string expected, params string[] options) => Refused(expected, options);

    [Theory]
    [InlineData("", "no episode")]
    [InlineData("{}", "line 1: found no \"x\"")]
    [InlineData("""{"c":1,"x":[[1],[2]],"y":[0,0]}""" + "\n{", "line 2: not valid JSON")]
    [InlineData("""{"c":3,"x":[[1],[2]],"y":[0,0]}""", "line 1, c: found 3")]
    public void Bad_episodes_are_refused_in_one_line(string content, string expected)
    {
        var path = Path.Combine(_folder.Path, "data.jsonl");
        File.WriteAllText(path, content);
        Refused(expected, "--data", path, "--out", Results);
        Assert.False(File.Exists(Results));
    }

    private void WaitForLines(Process process, int lines)
    {
        for (var waited = Stopwatch.StartNew(); !File.Exists(Results) || ReadShared().Count(c => c == '\n') < lines;)
        {
            Assert.False(process.HasExited, "it ended too early");
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), "no results after a minute");
            Thread.Sleep(20);
        }
    }

    private string ReadShared()
    {
        using var reader = new StreamReader(new FileStream(Results, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static void Refused(string expected, params string[] options)
    {
        var outcome = Icc.Run(["eval", .. options]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("icc: ", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output);
    }
}
