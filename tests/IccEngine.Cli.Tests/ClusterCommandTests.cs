using System.Text.Json;
using System.Text.RegularExpressions;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc cluster, from outside.</summary>
public sealed class ClusterCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Iris => Path.Combine(Icc.Samples, "iris.csv");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Candidates_for_the_number_of_clusters_are_printed()
    {
        string[] arguments = ["cluster", Iris, "--clusters", "auto", "--columns", "3,4", "--permutations", "1", "--max-clusters", "3"];
        var outcome = Icc.Run(arguments);
        Assert.Equal("", outcome.Error);
        Assert.Contains("silhouette of points", outcome.Output, StringComparison.Ordinal);
        Assert.Single(Regex.Matches(outcome.Output, "chosen"));
        using var document = JsonDocument.Parse(Icc.Run([.. arguments, "--json"]).Output);
        var candidates = document.RootElement.GetProperty("candidates").EnumerateArray().ToArray();
        Assert.Equal([2, 3], candidates.Select(c => c.GetProperty("clusters").GetInt32()));
        var chosen = candidates.Single(c => c.GetProperty("chosen").GetBoolean());
        Assert.Equal(document.RootElement.GetProperty("clusters").GetInt32(), chosen.GetProperty("clusters").GetInt32());
        Assert.Equal(candidates.Max(c => c.GetProperty("score").GetDouble()), chosen.GetProperty("score").GetDouble());
    }

    [Fact]
    public void Iris_is_clustered_with_one_command()
    {
        var outcome = Icc.Run("cluster", Iris, "--clusters", "3", "--label-column", "class");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("", outcome.Error);
        Assert.Contains("accuracy 9", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_is_one_object_with_a_result_a_method()
    {
        var outcome = Icc.Run(
            "cluster", Path.Combine(Icc.Samples, "student_t.csv"), "-k", "3", "--label-column", "class", "--method", "both", "--json", "--seed", "3");
        Assert.Equal(0, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        var results = document.RootElement.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(["attention", "generate"], results.Select(r => r.GetProperty("method").GetString()!));
        Assert.Equal(3, results[0].GetProperty("layer").GetInt32());
        Assert.All(results, r =>
        {
            Assert.Equal(document.RootElement.GetProperty("points").GetInt32(), r.GetProperty("labels").GetArrayLength());
            Assert.True(r.GetProperty("seconds").GetDouble() > 0);
            foreach (var metric in new[] { "accuracy", "ari", "nmi" })
            {
                Assert.InRange(r.GetProperty("metrics").GetProperty(metric).GetDouble(), 0.2, 1);
            }
        });
    }

    [Theory]
    [InlineData("kmeans")]
    [InlineData("hdbscan")]
    [InlineData("attention-quantiser")]
    public void Methods_without_a_model_are_chosen_by_name(string method)
    {
        var outcome = Icc.Run("cluster", Iris, "-k", "3", "--label-column", "class", "--method", method, "--json");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("model").ValueKind);
        var result = Assert.Single(document.RootElement.GetProperty("results").EnumerateArray());
        Assert.Equal(method, result.GetProperty("method").GetString());
        Assert.InRange(result.GetProperty("metrics").GetProperty("accuracy").GetDouble(), 0.6, 1);
    }

    [Fact]
    public void Out_writes_the_rows_with_their_cluster()
    {
        var path = Path.Combine(_folder.Path, "out.csv");
        var outcome = Icc.Run("cluster", Iris, "-k", "3", "--columns", "3,4", "--permutations", "1", "--out", path, "--json");
        Assert.Equal(0, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        var labels = document.RootElement.GetProperty("results")[0].GetProperty("labels").EnumerateArray().Select(l => l.GetInt32()).ToArray();
        var (given, written) = (File.ReadAllLines(Iris), File.ReadAllLines(path));
        Assert.Equal(given[0] + ",cluster", written[0]);
        Assert.Equal(given.Skip(1).Zip(labels, (row, label) => $"{row},{label}"), written.Skip(1));
    }

    [Fact]
    public void Answers_to_several_orders_come_with_a_confidence()
    {
        var path = Path.Combine(_folder.Path, "out.csv");
        var outcome = Icc.Run(
            "cluster", Path.Combine(Icc.Samples, "student_t.csv"), "-k", "3", "--label-column", "class", "--method", "generate", "--permutations", "3",
            "--samples", "2", "--temperature", "0.5", "--no-canonical", "--allow-unused", "--consensus", "coassociation", "--json", "--out", path);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var result = document.RootElement.GetProperty("results")[0];
        Assert.Equal(6, result.GetProperty("answers").GetArrayLength());
        Assert.All(result.GetProperty("answers").EnumerateArray(), a => Assert.True(a.GetProperty("log_probability").GetDouble() < 0));
        var labels = result.GetProperty("labels").EnumerateArray().Select(l => l.GetRawText());
        var rows = labels.Zip(result.GetProperty("confidence").EnumerateArray().Select(c => c.GetRawText()), (label, confidence) => $",{label},{confidence}").ToArray();
        var written = File.ReadAllLines(path);
        Assert.EndsWith(",cluster,confidence", written[0], StringComparison.Ordinal);
        Assert.Equal(rows.Length, written.Length - 1);
        Assert.All(rows.Zip(written.Skip(1)), pair => Assert.EndsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.False(result.GetProperty("calibrated").GetBoolean()); // drawn answers are not what the curves were fitted to
        var refused = Icc.Run("cluster", Iris, "-k", "3", "--method", "generate", "--beams", "2", "--samples", "2");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("beams", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Free_answers_are_shown_where_they_cannot_be_read()
    {
        string[] arguments = ["cluster", Path.Combine(Icc.Samples, "student_t.csv"), "-k", "3", "--label-column", "class", "--method", "generate", "--answer", "free"];
        var outcome = Icc.Run([.. arguments, "--model", Icc.ChatModel, "--max-new-tokens", "9", "--json"]);
        Assert.Equal("", outcome.Error);
        using var document = JsonDocument.Parse(outcome.Output);
        var result = document.RootElement.GetProperty("results")[0];
        Assert.Equal(1, result.GetProperty("unparsed").GetInt32());
        Assert.NotEqual("", result.GetProperty("answers")[0].GetProperty("text").GetString());
        Assert.All(result.GetProperty("labels").EnumerateArray(), l => Assert.Equal(-1, l.GetInt32()));
        Assert.False(result.TryGetProperty("confidence", out _));
        Assert.Equal("1 of 1 answers could not be read", document.RootElement.GetProperty("remarks")[0].GetString());
        outcome = Icc.Run(arguments);
        Assert.Equal("", outcome.Error);
        Assert.DoesNotContain("could not be read", outcome.Output, StringComparison.Ordinal);
        foreach (var options in new string[][] { [.. arguments, "--beams", "2"], [.. arguments, "--allow-unused"], [.. arguments[..^1], "constrained", "--max-new-tokens", "9"] })
        {
            var refused = Icc.Run(options);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("answer", refused.ErrorLine, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu", "--threads", "1")]
    public void Devices_and_threads_can_be_chosen(params string[] device)
    {
        var outcome = Icc.Run(["cluster", Iris, "-k", "3", "--columns", "3,4", "--permutations", "1", "--json", "--device", .. device]);
        Assert.Equal(0, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.StartsWith(device[0], document.RootElement.GetProperty("device").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("empty.csv", "", "the file is empty")]
    [InlineData("header.csv", "a,b\n", "header only")]
    [InlineData("missing.csv", "a,b\n1,2\n3,\n", "row 2, column 'b'")]
    [InlineData("text.csv", "a,b\n1,2\nx,3\n", "row 2, column 'a': found 'x'")]
    [InlineData("ragged.csv", "a,b\n1,2\n3\n", "row 2")]
    [InlineData("infinite.csv", "a,b\n1,2\n3,inf\n", "row 2, column 'b'")]
    [InlineData("broken.jsonl", "{\"a\":1}\n{\"a\":\n", "broken.jsonl")]
    [InlineData("quote.csv", "a,b\n\"1,2\n", "quote")]
    [InlineData("few.csv", "a,b\n1,2\n", "2 clusters of 1 rows")]
    public void Bad_tables_are_refused_in_one_line(string name, string content, string expected)
    {
        var path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, content);
        Refused(expected, "cluster", path, "--clusters", "2", "--out", Path.Combine(_folder.Path, "never.csv"));
        Assert.False(File.Exists(Path.Combine(_folder.Path, "never.csv")));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("--clusters", "--clusters")]
    [InlineData("whole number", "--clusters", "x")]
    [InlineData("0 clusters", "--clusters", "0")]
    [InlineData("--max-clusters is for --clusters auto only", "--clusters", "3", "--max-clusters", "4")]
    [InlineData("a model of at most 16 clusters", "--clusters", "auto", "--max-clusters", "17")]
    [InlineData("a range of 1 to any", "--clusters", "auto", "--min-clusters", "1")]
    [InlineData("a range of 5 to 4", "--clusters", "auto", "--min-clusters", "5", "--max-clusters", "4")]
    [InlineData("'attention' 'generate' 'both' 'kmeans' 'kmeans-1' 'minibatch' 'ward'", "--clusters", "3", "--method", "magic")]
    [InlineData("layer 6", "--clusters", "3", "--layer", "6")]
    [InlineData("expected auto, a layer like 3", "--clusters", "3", "--layer", "middle")]
    [InlineData("head 99", "--clusters", "3", "--head", "99")]
    [InlineData("1 representatives of 150 points", "--clusters", "3", "--representatives", "1")]
    [InlineData("2 representatives of 150 points for 3 clusters", "--clusters", "3", "--representatives", "2")]
    [InlineData("0 permutations", "--clusters", "3", "--permutations", "0")]
    [InlineData("device 'tpu'", "--clusters", "3", "--device", "tpu")]
    [InlineData("device reference computes in float32; expected cuda:N for bfloat16", "--clusters", "3", "--device", "reference", "--dtype", "bfloat16")]
    [InlineData("dtype 'half'; expected float32 or bfloat16", "--clusters", "3", "--dtype", "half")]
    [InlineData("-2 threads", "--clusters", "3", "--threads", "-2")]
    [InlineData("column 'nope'", "--clusters", "3", "--columns", "nope")]
    [InlineData("no such folder", "--clusters", "3", "--model", "nowhere")]
    [InlineData("adapter_config.json", "--clusters", "3", "--adapter", "nowhere")]
    [InlineData("no folder", "--clusters", "3", "--out", "no/such/folder/out.csv")]
    [InlineData("'--bogus'", "--clusters", "3", "--bogus")]
    public void Bad_options_are_refused_in_one_line(string expected, params string[] options) => Refused(expected, ["cluster", Iris, .. options]);

    [Fact]
    public void Layers_are_scored_in_a_table_and_in_json()
    {
        string[] arguments = ["cluster", Iris, "-k", "3", "--columns", "3,4", "--permutations", "1", "--layer", "auto"];
        Assert.Contains("silhouette", Icc.Run(arguments).Output, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(Icc.Run([.. arguments, "--json"]).Output);
        var result = document.RootElement.GetProperty("results")[0];
        var scores = result.GetProperty("layers").EnumerateArray().ToDictionary(l => l.GetProperty("layer").GetInt32(), l => l.GetProperty("reproducibility").GetDouble());
        Assert.Equal(scores.MaxBy(s => s.Value).Key, result.GetProperty("layer").GetInt32());
    }

    [Fact]
    public void Heads_are_scored_on_demand()
    {
        using var document = JsonDocument.Parse(Icc.Run("cluster", Iris, "-k", "3", "--columns", "3,4", "--permutations", "1", "--layers-table", "--json").Output);
        var scores = document.RootElement.GetProperty("results")[0].GetProperty("layers").EnumerateArray().ToArray();
        Assert.Equal(scores.Length, scores.Count(s => s.TryGetProperty("head", out _)) * 5 / 4);
        Assert.Equal(6, scores.Count(s => !s.TryGetProperty("head", out _)));
    }

    [Theory]
    [InlineData("--affinity-kind", "oi", "--symmetrisation", "mean")]
    [InlineData("--affinity-kind", "oo", "--position-correction", "none", "--layer", "auto")]
    public void Attention_of_the_answers_labels_is_clustered(params string[] options)
    {
        using var document = JsonDocument.Parse(
            Icc.Run(["cluster", Path.Combine(Icc.Samples, "student_t.csv"), "-k", "2", "--label-column", "class", "--permutations", "2", "--json", .. options]).Output);
        Assert.All(document.RootElement.GetProperty("results")[0].GetProperty("labels").EnumerateArray(), l => Assert.InRange(l.GetInt32(), 0, 1));
    }

    [Fact]
    public void A_model_without_icc_json_takes_the_papers_prompt()
    {
        var outcome = Icc.Run(
            "cluster", Path.Combine(Icc.Samples, "student_t.csv"), "-k", "2", "--label-column", "class", "--model", Icc.ChatModel, "--method", "both", "--json");
        Assert.Equal(0, outcome.ExitCode);
        using var document = JsonDocument.Parse(outcome.Output);
        Assert.All(document.RootElement.GetProperty("results").EnumerateArray(), r =>
            Assert.All(r.GetProperty("labels").EnumerateArray(), l => Assert.InRange(l.GetInt32(), 0, 1)));
    }

    [Fact]
    public void A_prompt_beyond_numpys_limit_is_refused()
    {
        var path = Path.Combine(_folder.Path, "long.csv");
        File.WriteAllLines(path, Enumerable.Range(0, 501).Select(i => $"{i}.5,{i % 7}.25"));
        Refused("1002 numbers", "cluster", path, "-k", "2", "--model", Icc.ChatModel);
    }

    [SkippableFact]
    public void Ctrl_C_ends_the_work_and_leaves_no_file()
    {
        Skip.If(OperatingSystem.IsWindows(), "there is no SIGINT to send on Windows");
        var path = Path.Combine(_folder.Path, "many.csv");
        File.WriteAllLines(path, Enumerable.Range(0, 3000).Select(i => $"{i % 3 * 10}.{i % 10},{i % 5}.5"));
        var process = Icc.Start(new Dictionary<string, string>(), "cluster", path, "-k", "3", "--out", Path.Combine(_folder.Path, "out.csv"));
        Thread.Sleep(2500);
        Assert.False(process.HasExited);
        using (var kill = System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"]))
        {
            kill.WaitForExit();
        }
        var outcome = Icc.Finish(process);
        Assert.Equal(130, outcome.ExitCode);
        Assert.Equal("icc: cancelled", outcome.ErrorLine);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    private static void Refused(string expected, params string[] arguments)
    {
        var outcome = Icc.Run(arguments);
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("icc: ", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Equal("", outcome.Output);
    }
}
