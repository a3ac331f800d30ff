using System.Xml.Linq;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>What was clustered, for its page.</summary>
/// <param name="Path">The file.</param>
/// <param name="Count">Number of points n.</param>
/// <param name="Noun">What a point is called, and the number of the first one.</param>
internal sealed record ClusteredThings(string Path, int Count, (string Name, int First) Noun)
{
    /// <summary>The points as they were clustered, or null.</summary>
    public PointSet? Points { get; init; }

    /// <summary>Names and numbers of the columns as they were read, or null.</summary>
    public Formats.Table? Table { get; init; }

    /// <summary>The texts, or null.</summary>
    public IReadOnlyList<string>? Items { get; init; }

    /// <summary>Agreement of each method with the true classes, or null.</summary>
    public IReadOnlyList<LabelMetrics>? Metrics { get; init; }

    /// <summary>A point for people.</summary>
    public string NameOf(int i) => $"{Noun.Name} {i + Noun.First}";
}

/// <summary>The page of a clustering.</summary>
internal sealed class ClusterPage
{
    private const int MostCompared = 5000;
    private const int FewestEigenvalues = 12;
    private const int MostEigenvalues = 40;
    private const int MostMapped = 4096;
    private const int MostMaps = 256;

    private readonly ClusteredThings _things;
    private readonly ClusterResult _result;
    private readonly HtmlPage _page;
    private readonly Labeling[] _labelings;
    private readonly int[][] _colours;
    private readonly Labeling? _classes;

    private ClusterPage(ClusteredThings things, ClusterResult result, string by)
    {
        (_things, _result) = (things, result);
        _page = new HtmlPage(System.IO.Path.GetFileName(things.Path), $"{things.Count} {things.Noun.Name}s{(things.Table is { } t ? $", {t.Columns} columns" : "")}; {by}");
        _labelings = [.. result.Results.Select(r => new Labeling(r.Name, r.Labels))];
        _colours = [.. _labelings.Select((l, i) => i == 0 ? l.Labels : Agreement.Align(_labelings[0], l))];
        _classes = things.Table?.Labels is { } classes ? new Labeling("true classes", TableClustering.Number(classes)) : null;
    }

    /// <summary>The page.</summary>
    public static HtmlPage Build(ClusteredThings things, ClusterResult result, string by)
    {
        var made = new ClusterPage(things, result, by);
        var embedding = made.Embed(out var clustered);
        made.AddPoints(embedding);
        if (clustered is not null)
        {
            made.AddMaps(clustered);
            made.AddEigenvalues(embedding!, clustered);
        }
        made._page.Add(Agreement.Section(made.Compared()));
        new ClusterTables(things, result, made._colours).AddTo(made._page);
        if (clustered is null && result.Results.Any(r => r.Eigenvalues is not null))
        {
            made._page.Note($"Without attention map and eigenvalues: more than {MostMapped} points.");
        }
        foreach (var remark in result.Remarks)
        {
            made._page.Note(remark);
        }
        return made._page;
    }

    /// <summary>The spectral embedding of the affinity, where there is one, in more columns than were needed to cluster.</summary>
    private SpectralEmbedding? Embed(out MethodResult? clustered)
    {
        clustered = _result.Results.FirstOrDefault(r => r.Affinity is not null && PointsOf(r).Length <= MostMapped);
        if (clustered is null)
        {
            return null;
        }
        var n = PointsOf(clustered).Length;
        using var backend = Device.Open("cpu");
        return SpectralEmbedding.Fit(backend, clustered.Affinity, n, Math.Min(n, Math.Clamp((clustered.Eigenvalues?.Length ?? 0) + 3, FewestEigenvalues, MostEigenvalues)));
    }

    private int[] PointsOf(MethodResult found) => found.AffinityPoints ?? [.. Enumerable.Range(0, _things.Count)];

    private void AddPoints(SpectralEmbedding? embedding)
    {
        var plane = _things.Points is { } points ? PointPlane.Of(points) : embedding is null || embedding.N != _things.Count ? null : PointPlane.Of(embedding);
        if (plane is null)
        {
            return;
        }
        int[] shown = [.. Enumerable.Range(0, _things.Count)];
        if (shown.Length > ScatterPlot.MostPoints)
        {
            shown = [.. Enumerable.Range(0, ScatterPlot.MostPoints).Select(i => (int)((long)i * _things.Count / ScatterPlot.MostPoints))];
            _page.Note($"{shown.Length} of {_things.Count} points are drawn, evenly chosen.");
        }
        var plots = _labelings.Select((labeling, m) =>
        {
            var confidence = _result.Results[m].Confidence;
            return ScatterPlot.Draw(labeling.Name, plane, shown, labeling.Labels, _colours[m], confidence, i => Describe(i, labeling.Labels[i], confidence?[i]));
        }).ToList();
        if (_classes is { } classes && Agreement.IsPossible(classes))
        {
            plots.Add(ScatterPlot.Draw(classes.Name, plane, shown, classes.Labels, Agreement.Align(_labelings[0], classes), null, i => Describe(i, _labelings[0].Labels[i], null),
                label => _things.Table!.Labels![Array.IndexOf(classes.Labels, label)]));
        }
        _page.Add(Section("Points", Of("div", "plots", [.. plots])));
    }

    /// <summary>What stands beside a mark.</summary>
    private string Describe(int i, int label, double? confidence)
    {
        List<string> parts = [_things.NameOf(i), ScatterPlot.ClusterName(label)];
        if (confidence is { } certain)
        {
            parts.Add($"confidence {Show(certain, "0.00")}");
        }
        if (_things.Table is { } table)
        {
            if (table.Labels is { } classes)
            {
                parts.Add($"class {Short(classes[i], 40)}");
            }
            parts.AddRange(Enumerable.Range(0, Math.Min(ClusterTables.MostColumns, table.Columns)).Select(c => $"{Short(table.ColumnNames[c], 30)} {Show(table.Row(i)[c], "G5")}"));
        }
        if (_things.Items is { } items)
        {
            parts.Add(Short(items[i], 120));
        }
        return string.Join(" · ", parts);
    }

    private void AddMaps(MethodResult found)
    {
        var points = PointsOf(found);
        var which = Array.IndexOf([.. _result.Results], found);
        var maps = found.Maps.Count <= MostMaps ? found.Maps : [.. found.Maps.Where(m => m.Layer >= found.Layer && m.Layer <= found.LastLayer)];
        var own = found.LastLayer == found.Layer ? maps.FirstOrDefault(m => m.Layer == found.Layer && m.Head == found.Head) : null;
        var heat = new HeatMap([.. points.Select(i => found.Labels[i])], [.. points.Select(i => _colours[which][i])], maps.Count + 1);
        List<XElement> data = [.. maps.Select(m => heat.Data(m.Affinity, At("data-layer", m.Layer), At("data-head", m.Head is { } h ? h : "")))];
        var shown = own is null ? null : data[maps.ToList().IndexOf(own)];
        if (shown is null)
        {
            shown = heat.Data(found.Affinity!, At("data-layer", found.LayerNames is { Length: > 0 } layers ? layers : "as clustered"), At("data-head", found.Head is { } h ? h : ""));
            data.Insert(0, shown);
        }
        var caption = $"Affinity of {points.Length} points, in the order of the clusters of {_labelings[which].Name}";
        _page.Add(Section("Attention map",
            Of("p", "hint", "How much more the points attend to each other than to all points alike (which is 1), averaged over the prompts and mirrored; rows and columns are in the order of the clusters."),
            Selectors(data, shown),
            Of("figure", "map", heat.Draw(shown, caption, _things.Noun), heat.Means(shown)),
            Of("div", null, [At("hidden", "hidden"), At("id", "maps"), .. data])));
        if (heat.Averages)
        {
            _page.Note($"The map has {heat.Cells} x {heat.Cells} cells; each is the mean over neighbouring points of a cluster.");
        }
        if (points.Length < _things.Count)
        {
            _page.Note($"The map and the eigenvalues are those of the {points.Length} points that were clustered among themselves.");
        }
        if (maps.Count < found.Maps.Count)
        {
            _page.Note($"Of {found.Maps.Count} maps of layers and heads those of the layers that were read are here.");
        }
        if (found.Maps.Count == 0 && found.Layer is not null)
        {
            _page.Note("There are too many points to keep the attention of every layer; the map shows what was clustered.");
        }
        else if (found.Maps.Count > 0 && found.Head is null)
        {
            _page.Note("The map shows the mean over the heads; with --head H the run keeps the heads apart, and the page lets you choose among them.");
        }
    }

    /// <summary>Choice of layer and head, for the script; without it they say what is shown.</summary>
    private static XElement Selectors(List<XElement> data, XElement shown)
    {
        XElement Select(string name, string attribute, Func<string, string> show)
        {
            var chosen = shown.Attribute(attribute)!.Value;
            var values = data.Select(d => d.Attribute(attribute)!.Value).Distinct().ToArray();
            return Of("label", null, $"{name} ", Of("select", null, [At("id", name), .. values.Select(v =>
                Of("option", null, At("value", v), v == chosen ? At("selected", "selected") : null, show(v)))]));
        }
        return Of("p", "choice", Select("layer", "data-layer", v => v), Select("head", "data-head", v => v.Length == 0 ? "mean over all" : v));
    }

    private void AddEigenvalues(SpectralEmbedding embedding, MethodResult found)
    {
        _page.Add(Section("Eigenvalues", Of("p", "hint", $"The smallest eigenvalues of the normalised Laplacian of the affinity that was clustered ({found.Name})."),
            EigenvalueChart.Draw(embedding.Eigenvalues, found.Eigenvalues?.Length ?? 1)));
    }

    /// <summary>The labelings, the true classes, and of points two methods to compare with.</summary>
    private List<Labeling> Compared()
    {
        List<Labeling?> compared = [.. _labelings];
        var clusters = _result.Results.Max(r => r.Labels.Max()) + 1;
        if (_things.Points is { } points && clusters >= 1 && clusters <= points.Count)
        {
            if (points.Count > MostCompared)
            {
                _page.Note($"k-means and Ward's method are not compared with: more than {MostCompared} points.");
            }
            else
            {
                compared.AddRange(from name in new[] { "kmeans", "ward" } where _result.Results.All(r => r.Method != name) select Fit(name, points, clusters));
            }
        }
        if (_classes is { } classes)
        {
            compared.Add(classes);
        }
        return [.. compared.OfType<Labeling>()];
    }

    private Labeling? Fit(string name, PointSet points, int clusters)
    {
        try
        {
            using var backend = Device.Open("cpu");
            var found = ClusteringMethod.Find(name).Fit(backend, points.Values, points.Count, points.Features, new ClusteringRequest(clusters));
            return new Labeling(name, found.Labels);
        }
        catch (IccArgumentException e)
        {
            // Numbers that a model reads as text, and no distance can be taken of.
            _page.Note($"{name} is not compared with: {e.Message}");
            return null;
        }
    }
}
