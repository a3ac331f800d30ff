using System.Xml;
using System.Xml.Linq;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>--report, from outside. What stands in the pages is tested with them.</summary>
public sealed class ReportOptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string StudentT => Path.Combine(Icc.Samples, "student_t.csv");

    private string Page => _folder.At("page.html");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_clustered_table_has_a_page_and_the_same_labels()
    {
        string[] arguments = ["cluster", StudentT, "-k", "3", "--label-column", "class", "--method", "both", "--permutations", "2"];
        string Labels(Icc.Outcome outcome) => string.Join('\n', outcome.Output.Split('\n').Where(l => l.StartsWith("labels", StringComparison.Ordinal)));
        var (plain, reported) = (Icc.Run(arguments), Icc.Run([.. arguments, "--report", Page]));
        Assert.Equal((0, ""), (reported.ExitCode, reported.Error));
        Assert.Equal(Labels(plain), Labels(reported));
        Assert.Equal(["Points", "Attention map", "Eigenvalues", "Agreement between methods", "Clusters", "All rows", "Notes"], Headings());
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_method_without_a_model_has_a_page_without_a_map()
    {
        Assert.Equal(0, Icc.Run("cluster", StudentT, "-k", "3", "--label-column", "class", "--method", "hdbscan", "--report", Page).ExitCode);
        Assert.Equal(["Points", "Agreement between methods", "Clusters", "All rows"], Headings());
    }

    [Fact]
    public void A_matrix_has_a_page()
    {
        var file = _folder.At("a.safetensors");
        float[] values = [.. Enumerable.Range(0, 36).Select(at => at / 6 == at % 6 ? 0 : (at / 6 + at % 6) % 2 == 0 ? 1 : 0.1f)];
        SafeTensorsWriter.Write(file, [SafeTensorsItem.From(HostTensor.FromArray("a", values, 6, 6))]);
        foreach (var raw in new[] { Array.Empty<string>(), ["--raw-attention"] })
        {
            Assert.Equal("", Icc.Run(["cluster", "--affinity", $"{file}:a", "-k", "2", "--report", Page, .. raw]).Error);
            Assert.Equal(["Points", "Attention map", "Eigenvalues", "Clusters", "All points"], Headings());
        }
    }

    [Fact]
    public void Texts_have_a_page()
    {
        var file = _folder.Write("texts.txt", "one\n<b>two</b>\nthree\nfour\n");
        Assert.Equal("", Icc.Run("cluster-text", file, "-k", "2", "--model", Icc.ChatModel, "--permutations", "1", "--report", Page).Error);
        Assert.Contains("All items", Headings());
        Assert.Contains("<b>two</b>", Read().Descendants("bdi").Select(e => e.Value));
    }

    [Fact]
    public void An_evaluation_has_a_page()
    {
        Assert.Equal("", Icc.Run("eval", "--paper", "table1", "--limit", "1", "--method", "kmeans-1,ward", "--report", Page, "--json").Error);
        Assert.Equal(["Accuracy", "Overall", "Beside the paper", "Cells"], Headings());
    }

    [Theory]
    [InlineData("cluster", "no-such-table.csv", "-k", "3")]
    [InlineData("cluster", "--affinity", "no-such-file.safetensors:a", "-k", "3")]
    [InlineData("cluster-text", "no-such-text.txt", "-k", "3", "--model", "no-such-model")]
    [InlineData("eval", "--data", "no-such-episodes.jsonl")]
    public void A_page_that_cannot_be_written_is_refused_before_all_else(params string[] arguments)
    {
        var outcome = Icc.Run([.. arguments, "--report", _folder.At("no/such/page.html")]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("page.html: no folder", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    private IEnumerable<string> Headings() => Read().Descendants("h2").Select(h => h.Value);

    private XDocument Read()
    {
        using var reader = XmlReader.Create(Page, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }
}
