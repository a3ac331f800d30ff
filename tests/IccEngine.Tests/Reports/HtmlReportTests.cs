using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests.Reports;

/// <summary>Pages, without a browser: what stands in them, and what cannot.</summary>
public sealed partial class HtmlReportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Kinds => ["table", "texts", "affinity", "evaluation", "table1", "table4", "table6"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_page_is_well_formed_loads_nothing_and_runs_its_own_script_only(string kind)
    {
        var path = Write(kind);
        var page = Pages.Read(path);
        Assert.Single(page.Descendants("script"));
        Assert.Single(page.Descendants("style"));
        var policy = page.Descendants("meta").Single(m => m.Attribute("http-equiv") is not null).Attribute("content")!.Value;
        Assert.StartsWith("default-src 'none'; img-src data:; script-src 'sha256-", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        foreach (var inline in new[] { "script", "style" })
        {
            // What a browser hashes is the text between the tags as it stands in the file.
            var text = File.ReadAllText(path).Split($"<{inline}>")[1].Split($"</{inline}>")[0];
            Assert.Contains(Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text))), policy, StringComparison.Ordinal);
            Assert.DoesNotContain("url(", text, StringComparison.Ordinal);
            Assert.DoesNotContain("://", text, StringComparison.Ordinal);
            Assert.DoesNotContain("@import", text, StringComparison.Ordinal);
        }
        Assert.All(page.Descendants().Attributes().Where(a => a.Name.LocalName is "src" or "href"), a => Assert.Matches("^(data:image/png;base64,|#)", a.Value));
        Assert.DoesNotContain(page.Descendants().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.Ordinal) || a.Name.LocalName == "style");
        Assert.DoesNotContain(page.Descendants(), e => e.Name.LocalName is "iframe" or "object" or "embed" or "form" or "a" or "link" or "base");
        // Browsers do not close an element of HTML that ends in "/>".
        Assert.DoesNotMatch("<(div|span|p|ul|li|table|td|th|section|figure|script|style|option|data)( [^<>]*)?/>", File.ReadAllText(path));
        Assert.DoesNotMatch("NaN|Infinity|∞", page.Descendants("svg").Attributes().Aggregate("", (all, a) => all + a.Value));
    }

    [Fact]
    public void Hostile_texts_are_shown_as_they_are_and_shortened()
    {
        var page = Pages.Read(Pages.WriteTexts(_folder));
        var shown = page.Descendants("bdi").Select(e => e.Value).ToArray();
        Assert.All(Pages.Hostile.SkipLast(2), text => Assert.Contains(text, shown));
        Assert.Contains("nul\ufffd\ufffd end", shown);
        Assert.Contains(new string('x', 200) + "…", shown);
        Assert.True(new FileInfo(_folder.At("page.html")).Length < 200_000);
    }

    [Fact]
    public void A_page_of_50_points_has_every_part_and_is_small()
    {
        var path = Pages.WriteTable(_folder);
        var page = Pages.Read(path);
        Assert.Equal(
            ["Points", "Attention map", "Eigenvalues", "Agreement between methods", "Clusters", "Layers", "All rows", "Notes"],
            page.Descendants("h2").Select(h => h.Value));
        var plots = Pages.WithClass(page, "plots").Single().Elements("figure").ToArray();
        Assert.Equal(3, plots.Length);
        Assert.All(plots, plot => Assert.Equal(50, Pages.WithClass(plot, "marks").Single().Elements("use").Count()));
        Assert.Contains("confidence", plots[1].Descendants("title").First().Value, StringComparison.Ordinal);
        Assert.Equal(6, page.Descendants("data").Count());
        Assert.InRange(new FileInfo(path).Length, 20_000, 200_000);
    }

    [Fact]
    public void What_speaks_for_each_number_of_clusters_is_shown()
    {
        var page = Pages.Read(Pages.WriteTable(_folder, clusters: null));
        var rows = Rows(page, "Number of clusters");
        Assert.Equal(["2", "3", "4", "5"], rows.Select(r => r[0][..1]));
        Assert.Single(rows, r => r[0].EndsWith(", chosen", StringComparison.Ordinal));
        Assert.All(rows, r => Assert.All(r[1..], cell => Assert.True(double.TryParse(cell, CultureInfo.InvariantCulture, out _), cell)));
        Assert.Equal(1, rows.Sum(r => double.Parse(r[^1], CultureInfo.InvariantCulture)), 0.0021);
    }

    [Fact]
    public void The_reliability_of_a_confidence_is_shown()
    {
        var rows = Rows(Pages.Read(Pages.WriteEvaluation(_folder)), "Confidence");
        Assert.Equal(11, rows.Length);
        Assert.Equal(["0.0 to 0.1", "0", "", ""], rows[0]);
        Assert.Equal(["0.9 to 1.0", "20", "95.0", "90.0"], rows[9]);
        Assert.Equal(["all", "100", "75.0", "70.0"], rows[10]);
    }

    [Fact]
    public void Where_a_head_is_read_every_layer_and_head_can_be_chosen()
    {
        var page = Pages.Read(Pages.WriteTable(_folder, head: true));
        Assert.Equal(["3", "1"], page.Descendants("option").Where(o => o.Attribute("selected") is not null).Select(o => o.Attribute("value")!.Value));
        Assert.Equal(6 * 4, page.Descendants("data").Select(d => (d.Attribute("data-layer")!.Value, d.Attribute("data-head")!.Value)).Distinct().Count());
        Assert.True(new FileInfo(_folder.At("page.html")).Length < 200_000);
    }

    [Fact]
    public void The_map_is_in_the_order_of_the_clusters()
    {
        int[] labels = [0, 1, 2, 0, 1, 2, 0, 1, 0];
        var n = labels.Length;
        double[] weights = [4, 3, 2];
        var affinity = Enumerable.Range(0, n * n).Select(at => at / n == at % n ? 0 : labels[at / n] == labels[at % n] ? weights[labels[at / n]] : 0.5).ToArray();
        var page = Pages.Read(Pages.WriteAffinity(_folder, labels, affinity));
        int[] order = [0, 3, 6, 8, 1, 4, 7, 2, 5];
        Assert.Equal(string.Join(' ', order), Pages.WithClass(page, "map").Single(e => e.Name == "svg").Attribute("data-order")!.Value);
        var pixels = Pixels(page.Descendants("data").Single().Attribute("value")!.Value, n);
        for (var r = 0; r < n; r++)
        {
            for (var c = 0; c < n; c++)
            {
                Assert.Equal(Math.Round(255 * affinity[order[r] * n + order[c]] / 4), pixels[r * n + c]);
            }
        }
        Assert.Equal(["4.00", "0.50", "0.50", "0.50", "3.00", "0.50", "0.50", "0.50", "2.00"], Pages.WithClass(page, "means").Single().Descendants("td").Select(d => d.Value));
    }

    [Fact]
    public void Many_points_share_cells_are_thinned_and_the_page_says_so()
    {
        const int n = 2000;
        // Twice as many points in cluster 0 as in cluster 1, and a noise of one.
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i == 7 ? -1 : i % 3 == 0 ? 1 : 0)];
        var affinity = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                affinity[i * n + j] = i == j ? 0 : labels[i] == labels[j] ? 2 : 1;
            }
        }
        var path = Pages.WriteAffinity(_folder, labels, affinity);
        var page = Pages.Read(path);
        var map = Pages.WithClass(page, "map").Single(e => e.Name == "svg");
        var cells = int.Parse(map.Attribute("data-cells")!.Value, CultureInfo.InvariantCulture);
        Assert.InRange(cells, 390, 401);
        var ends = map.Attribute("data-labels")!.Value.Split('|').Select(part => int.Parse(part.Split(':')[1], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(cells, ends[2]);
        var pixels = Pixels(page.Descendants("data").Single().Attribute("value")!.Value, cells);
        // No cell mixes clusters: there is the colour of 1, and that of 2 (a point of noise has nothing with itself).
        for (var at = 0; at < pixels.Length; at++)
        {
            int Block(int cell) => Array.FindIndex(ends, end => cell < end);
            var (r, c) = (Block(at / cells), Block(at % cells));
            Assert.Equal(r != c ? 128 : r == 2 ? 0 : 255, pixels[at]);
        }
        Assert.Equal(1500, Pages.WithClass(page, "plots").Single().Descendants("use").Count(u => u.Attribute("data-i") is not null));
        Assert.Equal(1000, Pages.WithClass(page, "scroll").Last().Descendants("tr").Count() - 1);
        var notes = string.Concat(page.Descendants("li").Select(l => l.Value));
        Assert.Contains("1500 of 2000 points are drawn", notes, StringComparison.Ordinal);
        Assert.Contains($"{cells} x {cells} cells", notes, StringComparison.Ordinal);
        Assert.True(new FileInfo(path).Length < 1_500_000);
    }

    [Fact]
    public void As_many_clusters_as_points_make_no_large_page()
    {
        const int n = 900;
        var path = Pages.WriteAffinity(_folder, [.. Enumerable.Range(0, n)], [.. Enumerable.Range(0, n * n).Select(at => at / n == at % n ? 0.0 : 1)]);
        var map = Pages.WithClass(Pages.Read(path), "map").Single(e => e.Name == "svg");
        Assert.Equal(("400", "900 clusters:400"), (map.Attribute("data-cells")!.Value, map.Attribute("data-labels")!.Value));
        Assert.True(new FileInfo(path).Length < 600_000);
    }

    [Theory]
    [InlineData("1e300,-1e300\n-1e300,1e300\n1e300,1\n0,0\n")]
    [InlineData("1\n1\n1\n")]
    [InlineData("0,0\n0,0\n")]
    [InlineData("1e-300,2e-300\n3e-300,1e-300\n0,0\n")]
    public void Extreme_points_have_a_place(string rows)
    {
        var csv = _folder.Write("points.csv", "x" + (rows.Contains(',') ? ",y" : "") + "\n" + rows);
        using var model = IccModel.LoadEmbedded();
        var result = TableClustering.Cluster(model, csv, new Formats.TableOptions(), 2, options: new ClusterOptions { ReturnMaps = true });
        HtmlReport.Write(_folder.At("page.html"), result, "by");
        var places = Pages.WithClass(Pages.Read(_folder.At("page.html")), "marks").First().Elements("use").SelectMany(u => Number().Matches(u.Attribute("transform")!.Value).Select(m => m.Value)).ToArray();
        Assert.Equal(2 * result.Table.Rows, places.Length);
        Assert.All(places, place => Assert.InRange(double.Parse(place, CultureInfo.InvariantCulture), 0, 416));
    }

    [Fact]
    public void An_evaluation_shows_its_cells_overall_and_the_papers_figures()
    {
        var page = Pages.Read(Pages.WriteEvaluation(_folder, "table1"));
        Assert.Equal(["Accuracy", "Overall", "Beside the paper", "Cells", "Notes"], page.Descendants("h2").Select(h => h.Value));
        var paper = InContext.PaperTable.Find("table1");
        var marks = Pages.WithClass(page, "marks").First().Elements("use").Count();
        Assert.Equal((2 + paper.Rows.Count) * (paper.Columns.Count - 1), marks);
        Assert.Equal(2 * (paper.Columns.Count - 1), Pages.WithClass(page, "bar").Count());
        var overall = page.Descendants("table").First().Descendants("tr").Skip(1).First().Elements().Select(e => e.Value.Trim()).ToArray();
        Assert.Equal(["70.0 ± 1.0", "", "0.500", "0.500", "7", "0", "12.5"], overall[2..9]);
        Assert.Contains("70.0 ± 2.0", page.Descendants("strong").Select(s => s.Value));
        var many = Pages.Read(Pages.WriteEvaluation(_folder, cells: 80));
        Assert.Contains("The first 60 of 80 cells are drawn", string.Concat(many.Descendants("li").Select(l => l.Value)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_refused_before_any_work()
    {
        Assert.Contains("no folder", Assert.Throws<IccFormatException>(() => HtmlReport.CheckPlace(_folder.At("none/page.html"))).Message, StringComparison.Ordinal);
        Assert.Contains("a folder", Assert.Throws<IccFormatException>(() => HtmlReport.CheckPlace(_folder.Path)).Message, StringComparison.Ordinal);
        HtmlReport.CheckPlace(_folder.At("page.html"));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Script_and_style_can_stand_in_a_page()
    {
        foreach (var name in new[] { "report.js", "report.css" })
        {
            var text = File.ReadAllText(Path.Combine(Goldens.Repository, "src", "IccEngine", "Reports", name));
            Assert.DoesNotMatch(EndsInline(), text);
        }
    }

    private string Write(string kind) => kind switch
    {
        "table" => Pages.WriteTable(_folder),
        "texts" => Pages.WriteTexts(_folder),
        "affinity" => Pages.WriteAffinity(_folder, [0, 1, 0, 1], [0, 1, 2, 1, 1, 0, 1, 2, 2, 1, 0, 1, 1, 2, 1, 0]),
        "evaluation" => Pages.WriteEvaluation(_folder),
        _ => Pages.WriteEvaluation(_folder, kind),
    };

    /// <summary>The numbers of colours in a picture.</summary>
    private static byte[] Pixels(string address, int width)
    {
        var file = Convert.FromBase64String(address.Split(',')[1]);
        var data = file.AsSpan().IndexOf("IDAT"u8) + 4;
        using var zlib = new ZLibStream(new MemoryStream(file[data..]), CompressionMode.Decompress);
        var rows = new byte[width * (width + 1)];
        zlib.ReadExactly(rows);
        return [.. rows.Chunk(width + 1).SelectMany(row => row[1..])];
    }

    [GeneratedRegex(@"-?[0-9.]+", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex("</|]]>|<!--", RegexOptions.CultureInvariant)]
    private static partial Regex EndsInline();

    /// <summary>Cells of the rows of a section's table, without its head.</summary>
    private static string[][] Rows(XDocument page, string section)
    {
        var found = page.Descendants("section").Single(s => s.Element("h2")!.Value == section);
        return [.. found.Descendants("table").Single().Descendants("tr").Skip(1).Select(r => r.Elements().Select(e => e.Value.Trim()).ToArray())];
    }
}
