using System.Globalization;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>What was found, in numbers.</summary>
/// <param name="things">What was clustered.</param>
/// <param name="result">What was found.</param>
/// <param name="colours">Of each method [n]: the marks of the points.</param>
internal sealed class ClusterTables(ClusteredThings things, ClusterResult result, int[][] colours)
{
    /// <summary>Most columns of a table of the user's that are shown.</summary>
    public const int MostColumns = 6;

    private const int MostRows = 1000;

    /// <summary>Adds all tables.</summary>
    public void AddTo(HtmlPage page)
    {
        AddClusters(page);
        AddCandidates(page);
        AddLayers(page);
        AddRows(page);
    }

    /// <summary>Sizes and means of the clusters of each method.</summary>
    private void AddClusters(HtmlPage page)
    {
        var columns = Math.Min(MostColumns, things.Table?.Columns ?? 0);
        var tables = result.Results.Select((found, m) =>
        {
            var rows = Enumerable.Range(0, things.Count).GroupBy(i => found.Labels[i]).OrderBy(g => g.Key).Take(MostRows).Select(g => new object[]
            {
                Of("span", null, Marks.Inline(colours[m][g.First()]), " ", ScatterPlot.ClusterName(g.Key)), $"{g.Count()}",
            }.Concat(found.Confidence is { } confidence ? [Show(g.Average(i => confidence[i]), "0.00")] : [])
            .Concat(Enumerable.Range(0, columns).Select(c => Show(g.Average(i => things.Table!.Row(i)[c]), "G4"))));
            return Of("div", null,
                Table($"{found.Name}, {Show(found.Seconds, "0.00")} s", ["cluster", $"{things.Noun.Name}s", .. found.Confidence is null ? [] : new object[] { "confidence" },
                    .. Enumerable.Range(0, columns).Select(c => (object)Of("span", null, "mean ", Foreign(things.Table!.ColumnNames[c], 40)))], rows, "numbers"),
                things.Metrics?[m] is { } metrics ? Of("p", "hint", $"Against the true classes: accuracy {Show(100 * metrics.Accuracy, "0.0")} %, ARI {Show(metrics.Ari, "0.000")}, NMI {Show(metrics.Nmi, "0.000")}.") : null);
        });
        page.Add(Section("Clusters", [.. tables]));
    }

    /// <summary>What speaks for each number of clusters, where it was estimated.</summary>
    private void AddCandidates(HtmlPage page)
    {
        if (result.Candidates.Count == 0)
        {
            return;
        }
        var rows = result.Candidates.Select(c => new object[]
        {
            c.NClusters == result.Clusters ? Of("strong", null, $"{c.NClusters}, chosen") : $"{c.NClusters}", Criterion(c.Eigengap), Criterion(c.EmbeddingSilhouette),
            Criterion(c.PointSilhouette), Criterion(c.LogProbability), Show(c.Score, "0.000"), Criterion(c.Probability),
        });
        page.Add(Section("Number of clusters", Table(
            "What speaks for each number of clusters", ["clusters", "eigengap", "silhouette of the embedding", "silhouette of the points", "log-probability of a label", "score", "probability"],
            rows, "numbers")));
    }

    private static string Criterion(double? value) => value is { } number ? Show(number, "0.000") : "";

    /// <summary>How clearly layers show clusters, where they were compared.</summary>
    private void AddLayers(HtmlPage page)
    {
        foreach (var found in result.Results.Where(r => r.LayerScores.Count > 0))
        {
            var rows = found.LayerScores.Select(s => new object[]
            {
                $"{s.Layer}", (s.Head ?? found.Head) is { } head ? $"{head}" : "mean", Show(s.Reproducibility, "0.000"), Show(s.Eigengap, "0.000"),
                Show(s.Modularity, "0.000"), Show(s.Silhouette, "0.000"),
            });
            page.Add(Section("Layers", Table(
                "How clearly each layer shows clusters, without knowing the true ones", ["layer", "head", "reproducibility", "eigengap", "modularity", "silhouette"],
                rows, "numbers")));
        }
    }

    /// <summary>Every point in a table, for those who do not see the drawings.</summary>
    private void AddRows(HtmlPage page)
    {
        var count = Math.Min(MostRows, things.Count);
        var columns = Math.Min(MostColumns, things.Table?.Columns ?? 0);
        List<object> head = [things.Noun.Name, .. things.Items is null ? [] : new object[] { "text" }];
        foreach (var found in result.Results)
        {
            head.Add(found.Name);
            if (found.Confidence is not null)
            {
                head.Add("confidence");
            }
        }
        var classes = things.Table?.Labels;
        head.AddRange(classes is null ? [] : ["class"]);
        head.AddRange(Enumerable.Range(0, columns).Select(c => Foreign(things.Table!.ColumnNames[c], 40)));
        var rows = Enumerable.Range(0, count).Select(i => new object[] { $"{i + things.Noun.First}" }
            .Concat(things.Items is { } items ? [Foreign(items[i])] : [])
            .Concat(result.Results.SelectMany((r, m) => new object[] { Of("span", null, Marks.Inline(colours[m][i]), r.Labels[i].ToString(CultureInfo.InvariantCulture)) }
                .Concat(r.Confidence is { } confidence ? [Show(confidence[i], "0.00")] : [])))
            .Concat(classes is null ? [] : [Foreign(classes[i], 60)])
            .Concat(Enumerable.Range(0, columns).Select(c => Show(things.Table!.Row(i)[c], "G5"))));
        page.Add(Section($"All {things.Noun.Name}s", Of("details", null, Of("summary", null, $"{count} of {things.Count} {things.Noun.Name}s with their clusters"),
            Table($"{things.Noun.Name}s and their clusters", head, rows, things.Items is null ? "numbers" : "texts"))));
    }
}
