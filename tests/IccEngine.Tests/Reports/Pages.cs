using System.Xml;
using System.Xml.Linq;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Testing;

namespace IccEngine.Tests.Reports;

/// <summary>Pages to be looked at.</summary>
internal static class Pages
{
    /// <summary>Texts that would break out of a page that was put together from strings.</summary>
    public static string[] Hostile { get; } =
    [
        "</script><script>hacked = 1</script>", "<img src=x onerror=\"hacked = 1\">", "\"'><svg onload=hacked=1>", "]]></style><!-- -->", "a\u2028b\u2029c",
        "javascript:hacked=1", "https://example.org/a.png", "\u202eright to left", "&lt;b&gt; &#60;i&#62;", "nul\u0001\ufffe end", new string('x', 200_000),
    ];

    /// <summary>A table with hostile names and classes, clustered by both methods.</summary>
    public static string WriteTable(TemporaryFolder folder, int rows = 50, bool head = false, int? clusters = 3)
    {
        var csv = folder.At("a<b>&'\".csv");
        var random = new Random(5);
        string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        File.WriteAllLines(csv,
        [
            $"{Quoted(Hostile[0])},{Quoted(Hostile[1])},z,class",
            .. Enumerable.Range(0, rows).Select(i => FormattableString.Invariant(
                $"{i % 3 * 8 + random.NextDouble():0.00},{i % 3 * 5 + random.NextDouble():0.00},{random.NextDouble():0.00},{Quoted(Hostile[2 + i % 3])}")),
        ]);
        using var model = IccModel.LoadEmbedded();
        var options = new ClusterOptions { Method = ClusterMethod.Both, Permutations = 2, ReturnMaps = true, LayerScores = true, Head = head ? 1 : null };
        var result = TableClustering.Cluster(model, csv, new TableOptions { LabelColumn = "class" }, clusters, options: options);
        return Write(folder, path => HtmlReport.Write(path, result, Hostile[0]));
    }

    /// <summary>Hostile texts, clustered by both methods.</summary>
    public static string WriteTexts(TemporaryFolder folder)
    {
        using var model = IccModel.Load(TinyChat.Folder);
        var options = new ClusterOptions { Method = ClusterMethod.Both, Permutations = 2, ReturnMaps = true };
        // What the model reads is short; the page is of the hostile ones.
        var path = folder.Write("texts.txt", string.Join('\n', Hostile.Select((_, i) => $"text {i}")));
        var result = TextClustering.Cluster(model, path, 3, new TextClusteringOptions { Clustering = options });
        return Write(folder, page => HtmlReport.Write(page, result with { Items = Hostile }, "by"));
    }

    /// <summary>A matrix with given clusters.</summary>
    public static string WriteAffinity(TemporaryFolder folder, int[] labels, double[] affinity)
    {
        var found = new MethodResult("attention", null, labels, 0.1, affinity, new double[labels.Distinct().Count()]);
        return Write(folder, path => HtmlReport.Write(path, new AffinityClusteringResult("a.safetensors", Hostile[0], labels.Length, "cpu", new ClusterResult([found], [Hostile[1]]) { Clusters = labels.Distinct().Count() })));
    }

    /// <summary>Scores of methods with hostile names.</summary>
    public static string WriteEvaluation(TemporaryFolder folder, string? paper = null, int cells = 6)
    {
        var table = paper is null ? null : PaperTable.Find(paper);
        EvaluationCell[] all = paper is null
            ? [.. Enumerable.Range(0, cells).Select(i => new EvaluationCell(null, i % 2 == 0 ? null : Hostile[0], 2 + i % 3, 2 + i / 10, i % 2 == 0 ? 1 + i / 2 : null))]
            : [.. table!.Columns.Where(c => c is not { C: null, D: null, Df: null }).Select(c => new EvaluationCell(null, null, c.C ?? 3, c.D ?? 3, c.Df))];
        MethodScores Scores(string name, double from) => new(
            name, [.. all.Select((cell, i) => new CellScore(cell, new Score(10, from + 0.01 * (i % 20), 0.02, 0.5, 0.5, 0.01, 3, 0, 1.5, 1000)))],
            new Score(100, from, 0.01, 0.5, 0.5, null, 7, 0, 12.5, 5000), new PairedDifference(100, 0.01, 0.005), name == "b" ? Hostile[1] : null);
        var setting = new EvaluationSetting(Hostile[0], "model", Hostile[1], 8, "cpu", 0);
        var bins = Enumerable.Range(0, 10).Select(i => new ReliabilityBin(i / 10.0, (i + 1) / 10.0, i < 5 ? 0 : 20, i < 5 ? null : i / 10.0 + 0.05, i < 5 ? null : i / 10.0)).ToArray();
        var first = Scores(Hostile[2], 0.7) with { Reliability = paper is null ? new Reliability(100, 0.75, 0.7, 0.05, 0.123, bins) : null };
        return Write(folder, path => HtmlReport.Write(path, new EvaluationResult(setting, [first, Scores("b", 0.6)], table)));
    }

    /// <summary>The page as XML, which a reader of HTML reads in the same way.</summary>
    public static XDocument Read(string page)
    {
        using var reader = XmlReader.Create(page, new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    /// <summary>Elements of a class.</summary>
    public static IEnumerable<XElement> WithClass(XContainer page, string name) =>
        page.Descendants().Where(e => e.Attribute("class")?.Value.Split(' ').Contains(name) ?? false);

    private static string Write(TemporaryFolder folder, Action<string> write)
    {
        var path = folder.At("page.html");
        write(path);
        return path;
    }
}
