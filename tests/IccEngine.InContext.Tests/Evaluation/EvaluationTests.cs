using System.Text;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Evaluation;

/// <summary>Evaluations of methods without a model: what they add up, and how they go on after an end.</summary>
public sealed class EvaluationTests : IDisposable
{
    private static readonly EvaluationSetting _setting = new("data", "model", null, 3, "cpu", -5);
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "results.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_ended_after_any_byte_goes_on_to_the_results_of_one_run()
    {
        var whole = Run(out var calls);
        var bytes = System.IO.File.ReadAllBytes(File);
        var lines = bytes.Count(b => b == '\n');
        Assert.Equal(calls, lines - 1);
        var first = Array.IndexOf(bytes, (byte)'\n');
        var random = new SeededRandom(1);
        int[] cuts = [0, 1, first, first + 1, first + 2, bytes.Length - 1, bytes.Length, .. Enumerable.Range(0, 30).Select(_ => random.Next(bytes.Length))];
        foreach (var cut in cuts)
        {
            System.IO.File.WriteAllBytes(File, bytes[..cut]);
            var again = Run(out var rest);
            var kept = bytes.Take(cut).Count(b => b == '\n');
            Assert.Equal(calls - Math.Max(0, kept - 1), rest);
            Assert.Equal(Timeless(whole), Timeless(again));
            Assert.Equal(lines, System.IO.File.ReadAllLines(File).Distinct().Count());
        }
    }

    [Fact]
    public void Further_methods_and_a_higher_limit_go_on_in_the_same_file()
    {
        var data = EvaluationData.Generated(EpisodeSpec.Parse("t:c=2/3,n=10,count=4"));
        int Results(long limit, params EvaluationMethod[] methods)
        {
            using var log = EvaluationLog.Open(File, _setting);
            InContext.Evaluation.Run(data, methods, limit, log);
            return log.Count;
        }
        Assert.Equal(4, Results(2, Named("ward")));
        Assert.Equal(8, Results(4, Named("ward")));
        Assert.Equal(12, Results(2, Named("ward"), Named("single")));
        Assert.Equal(12, Results(1, Named("single")));
    }

    [Fact]
    public void Cancellation_leaves_what_was_done()
    {
        using var cancellation = new CancellationTokenSource();
        var calls = 0;
        var method = new EvaluationMethod("m", (points, _, _) =>
        {
            if (++calls == 5)
            {
                cancellation.Cancel();
            }
            return new EvaluationAnswer(new int[points.Count]);
        });
        var data = EvaluationData.Generated(EpisodeSpec.Parse("t:count=20"));
        using (var log = EvaluationLog.Open(File, _setting))
        {
            Assert.Throws<OperationCanceledException>(() => InContext.Evaluation.Run(data, [method], null, log, null, cancellation.Token));
        }
        using var resumed = EvaluationLog.Open(File, _setting);
        Assert.Equal(5, resumed.Count);
    }

    [Fact]
    public void Scores_are_means_over_episodes()
    {
        // Right on all points of the first of every three episodes, in one cluster on the second, without labels on the third.
        var data = EvaluationData.FromFiles([Write("""{"c":2,"x":[[0],[0],[9],[9]],"y":[5,5,7,7]}""", 6)]);
        var call = 0;
        var method = new EvaluationMethod("m", (_, _, _) => (call++ % 3) switch
        {
            0 => new EvaluationAnswer([1, 1, 0, 0], 10),
            1 => new EvaluationAnswer([0, 0, 0, 0], 30, Unparsed: 3),
            _ => throw new IccArgumentException("no"),
        });
        using var log = EvaluationLog.Open(null, _setting);
        var scores = Assert.Single(InContext.Evaluation.Run(data, [method], null, log));
        var overall = scores.Overall;
        Assert.Equal((4, 6, 2, 80), (overall.Episodes, overall.Unparsed, overall.Failed, overall.Tokens));
        Assert.Equal(0.75, overall.Accuracy);
        Assert.Equal(0.5, overall.Ari);
        Assert.Equal(0.5, overall.Nmi);
        // Deviations of a quarter around three quarters: sqrt(4 / 16 / 3 / 4).
        Assert.Equal(Math.Sqrt(1 / 48.0), overall.StandardError!.Value, 12);
        Assert.Null(overall.OrderDeviation);
        Assert.Equal("no", scores.Failure);
        Assert.Equal(overall with { }, Assert.Single(scores.Cells).Score);
    }

    [Fact]
    public void Differences_are_paired()
    {
        // Accuracies 1, 0.5, none and 1, 1, 1: differences 0 and 0.5.
        var data = EvaluationData.FromFiles([Write("""{"c":2,"x":[[0],[0],[9],[9]],"y":[5,5,7,7]}""", 3)]);
        var call = 0;
        var first = new EvaluationMethod("first", (_, _, _) =>
            call++ < 2 ? new EvaluationAnswer(call == 1 ? [0, 0, 1, 1] : [0, 0, 0, 0]) : throw new IccArgumentException("no"));
        var second = new EvaluationMethod("second", (_, _, _) => new EvaluationAnswer([0, 0, 1, 1]));
        using var log = EvaluationLog.Open(null, _setting);
        var scores = InContext.Evaluation.Run(data, [first, second], null, log);
        Assert.Equal(new PairedDifference(2, 0, 0), scores[0].Difference);
        Assert.Equal(new PairedDifference(2, 0.25, 0.25), scores[1].Difference);
    }

    [Fact]
    public void Orders_of_an_episode_are_clustered_each_and_count_once()
    {
        var data = EvaluationData.FromFiles([Write("""{"c":2,"x":[[0],[1],[9],[8]],"y":[0,0,1,1],"perms":[[0,1,2,3],[0,2,1,3]]}""", 1)]);
        var seen = new List<double[]>();
        var method = new EvaluationMethod("m", (points, _, _) =>
        {
            seen.Add(points.Values);
            return new EvaluationAnswer([0, 0, 1, 1]);
        });
        using var log = EvaluationLog.Open(null, _setting);
        var overall = InContext.Evaluation.Run(data, [method], null, log)[0].Overall;
        Assert.Equal([0, 1, 9, 8], seen[0]);
        Assert.Equal([0, 9, 1, 8], seen[1]);
        Assert.Equal((1, 0.75, 0.25), (overall.Episodes, overall.Accuracy, overall.OrderDeviation));
    }

    [Fact]
    public void A_limit_takes_the_first_episodes_of_every_cell()
    {
        var data = EvaluationData.FromFiles([Path.Combine(Goldens.Repository, "tests", "data", "episodes", "mixed.jsonl")]);
        Assert.Equal([0L, 2, 4], data.Episodes(1).Select(e => e.Index));
        Assert.Equal((3, 5), (data.Count(1), data.Count(null)));
        var spec = EvaluationData.Generated(EpisodeSpec.Parse("t:c=2/3,count=1000000000000"), 5);
        Assert.Equal([0L, 1_000_000_000_000], spec.Episodes(1).Select(e => e.Index));
        Assert.Equal(10, spec.Count(1));
        Assert.All(spec.Episodes(1), e => Assert.Equal(5, e.Episode.Perms!.Select(p => string.Join(' ', p)).Distinct().Count()));
    }

    [Theory]
    [InlineData("some text", "without a whole line")]
    [InlineData("some text\n", "line 1: expected the setting")]
    [InlineData("{}\n", "line 1: expected the setting")]
    [InlineData("null\n", "line 1: expected the setting")]
    [InlineData("HEADER\n{}\n", "line 2: expected a result")]
    [InlineData("HEADER\n\n", "line 2: expected a result")]
    [InlineData("HEADER\nRESULT2\n", "line 2: found numbers outside")]
    [InlineData("HEADER\nCONFIDENT\n", "line 2: found numbers outside")]
    [InlineData("OTHER\n", "seed found 6, expected -5")]
    [InlineData("ADAPTER\n", "adapter found a, expected none")]
    public void A_file_of_something_else_is_refused_and_left_alone(string content, string expected)
    {
        Run(out _);
        var lines = System.IO.File.ReadAllLines(File);
        content = content.Replace("HEADER", lines[0], StringComparison.Ordinal)
            .Replace("RESULT2", lines[1].Replace("\"ari\":", "\"ari\":2", StringComparison.Ordinal).Replace("\"ari\":2-", "\"ari\":-2", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("CONFIDENT", lines[1].Replace("\"confidence\":null", "\"confidence\":[0.5]", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("OTHER", lines[0].Replace("-5", "6", StringComparison.Ordinal), StringComparison.Ordinal)
            .Replace("ADAPTER", lines[0].Replace("\"adapter\":null", "\"adapter\":\"a\"", StringComparison.Ordinal), StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, content);
        var error = Assert.Throws<IccFormatException>(() => EvaluationLog.Open(File, _setting));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(content, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void The_papers_tables_are_whole()
    {
        Assert.Equal(["table1", "table4", "table5", "table6"], PaperTable.All.Select(t => t.Name));
        Assert.All(PaperTable.All, table =>
        {
            Assert.All(table.Rows, row => Assert.Equal(table.Columns.Count, row.Values.Count));
            Assert.All(table.Rows.SelectMany(r => r.Values), v => Assert.InRange(v.Accuracy ?? 0.5, 0.4, 1));
            var data = EvaluationData.Generated(EpisodeSpec.Parse(table.Episodes), table.Orders);
            using var log = EvaluationLog.Open(null, _setting);
            var row = table.RowOf(InContext.Evaluation.Run(data, [Named("ward")], 2, log)[0]);
            Assert.All(row.Values, v => Assert.InRange(v.Accuracy!.Value, 0.3, 1));
            Assert.All(row.Values, v => Assert.NotNull(v.Spread));
        });
    }

    private static EvaluationMethod Named(string name) => new(name, (points, clusters, _) =>
    {
        using var backend = new ReferenceBackend<double>();
        var found = ClusteringMethod.Find(name).Fit(backend, points.Values, points.Count, points.Features, new ClusteringRequest(clusters));
        return new EvaluationAnswer(found.Labels);
    });

    private static string[] Timeless(IReadOnlyList<MethodScores> scores) =>
        [.. scores.SelectMany(m => m.Cells.Select(c => $"{m.Method} {c.Cell} {c.Score with { Seconds = 0 }}").Append($"{m.Overall with { Seconds = 0 }}"))];

    private IReadOnlyList<MethodScores> Run(out int calls)
    {
        var count = 0;
        EvaluationMethod Counted(EvaluationMethod method) => method with
        {
            Cluster = (points, clusters, cancellation) =>
            {
                count++;
                return method.Cluster(points, clusters, cancellation);
            },
        };
        using var log = EvaluationLog.Open(File, _setting);
        var data = EvaluationData.Generated(EpisodeSpec.Parse("t:df=1/100,c=2/3,n=10..12,count=2"), 2);
        var scores = InContext.Evaluation.Run(data, [Counted(Named("ward")), Counted(Named("single"))], null, log);
        calls = count;
        return scores;
    }

    private string Write(string line, int times)
    {
        var path = Path.Combine(_folder.Path, "data.jsonl");
        System.IO.File.WriteAllText(path, string.Concat(Enumerable.Repeat(line + "\n", times)), Encoding.UTF8);
        return path;
    }
}
