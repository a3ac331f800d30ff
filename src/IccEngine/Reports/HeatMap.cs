using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>Square maps of the affinity between points that are put in the order of their clusters.</summary>
internal sealed class HeatMap
{
    /// <summary>About so many cells along an edge at most: more points share one.</summary>
    public const int MostCells = 400;

    /// <summary>Most clusters whose means stand in a table.</summary>
    private const int MostClusters = 20;

    /// <summary>Most bytes of all pictures before they are packed.</summary>
    private const int MostBytes = 1 << 20;

    private const int FewestCells = 48;
    private const double Origin = 12, Side = 360;

    // Points [n] in the order of the map; of each cell its first place in it, and the end; the clusters as ranges of cells.
    private readonly int[] _order;
    private readonly List<int> _cells = [];
    private readonly List<(string Name, int Colour, int From, int To)> _blocks = [];

    /// <summary>Lays the cells out.</summary>
    /// <param name="labels">[n].</param>
    /// <param name="colours">[n].</param>
    /// <param name="maps">How many maps there will be.</param>
    public HeatMap(int[] labels, int[] colours, int maps)
    {
        _order = [.. Enumerable.Range(0, labels.Length).OrderBy(i => (uint)labels[i])];
        var most = Math.Min(MostCells, Math.Max(FewestCells, (int)Math.Sqrt((double)MostBytes / maps)));
        var share = Math.Max(1, (double)labels.Length / most);
        var at = 0;
        var clusters = _order.GroupBy(i => labels[i]).ToArray();
        // A cell is of one cluster, unless there are nearly as many of these.
        (string Name, int Colour, int Size)[] blocks = clusters.Length <= most / 2
            ? [.. clusters.Select(c => (ScatterPlot.ClusterName(c.Key), colours[c.First()], c.Count()))]
            : [($"{clusters.Length} clusters", -1, labels.Length)];
        foreach (var (name, colour, size) in blocks)
        {
            var from = _cells.Count;
            var cells = Math.Max(1, (int)(size / share));
            _cells.AddRange(Enumerable.Range(0, cells).Select(c => at + (int)((long)c * size / cells)));
            _blocks.Add((name, colour, from, _cells.Count));
            at += size;
        }
        _cells.Add(at);
    }

    /// <summary>Cells along an edge.</summary>
    public int Cells => _cells.Count - 1;

    /// <summary>Whether points share cells.</summary>
    public bool Averages => Cells < _order.Length;

    /// <summary>The picture of an affinity, its limits and the means between clusters, for the script to show.</summary>
    /// <param name="affinity">[n, n], symmetric.</param>
    /// <param name="attributes">What says which one it is.</param>
    public XElement Data(double[] affinity, params object[] attributes)
    {
        var values = CellMeans(affinity);
        var (from, to) = Limits(values);
        var pixels = Array.ConvertAll(values, v => (byte)Math.Round(255 * Math.Clamp((v - from) / (to - from), 0, 1)));
        return Of("data", "map",
        [
            At("value", PngImage.Address(pixels, Cells, Viridis.Palette)), At("data-from", Show(from, "G4")), At("data-to", Show(to, "G4")),
            At("data-means", _blocks.Count > MostClusters ? "" : string.Join(' ', ClusterMeans(affinity).Select(m => double.IsNaN(m) ? "–" : Show(m, "0.00")))),
            .. attributes,
        ]);
    }

    /// <summary>The drawing, showing one of the maps.</summary>
    public XElement Draw(XElement data, string title, (string Name, int First) noun) => Of("div", "heat", At("id", "heat"),
        Of("svg", "map", At("viewBox", $"0 0 {Px(Origin + Side + 1)} {Px(Origin + Side + 1)}"), At("role", "img"), At("aria-label", $"{title}; the table below has its means between clusters"),
            At("data-cells", Cells), At("data-noun", noun.Name), At("data-first", noun.First),
            At("data-order", Averages ? "" : string.Join(' ', _order)), At("data-labels", string.Join('|', _blocks.Select(b => $"{b.Name}:{b.To}"))),
            Of("image", null, At("x", Px(Origin)), At("y", Px(Origin)), At("width", Px(Side)), At("height", Px(Side)), At("preserveAspectRatio", "none"), At("href", data.Attribute("value")!.Value)),
            _blocks.SelectMany(Frame)),
        Of("p", "scale", Of("span", null, At("id", "from"), data.Attribute("data-from")!.Value),
            Of("img", null, At("alt", "colours from low to high"), At("id", "ramp"), At("src", PngImage.Address([.. Enumerable.Range(0, 256).Select(i => (byte)i)], 256, Viridis.Palette))),
            Of("span", null, At("id", "to"), data.Attribute("data-to")!.Value)));

    /// <summary>Mean affinity between clusters, which says the same in numbers.</summary>
    public XElement? Means(XElement data)
    {
        if (_blocks.Count > MostClusters)
        {
            return null;
        }
        var means = data.Attribute("data-means")!.Value.Split(' ');
        return Table("Mean affinity between the points of clusters", ["", .. _blocks.Select(b => b.Name.Replace("cluster ", "", StringComparison.Ordinal))], _blocks.Select((row, r) =>
            new object[] { row.Name }.Concat(_blocks.Select((_, c) => means[r * _blocks.Count + c]))), "means numbers");
    }

    private IEnumerable<XElement> Frame((string Name, int Colour, int From, int To) block)
    {
        double Place(int cell) => Origin + Side * cell / Cells;
        var (from, to) = (Place(block.From), Place(block.To));
        var colour = Marks.Colour(block.Colour);
        yield return Of("rect", $"strip {colour}", At("x", Px(from)), At("y", 0), At("width", Px(to - from)), At("height", 8), Of("title", null, block.Name));
        yield return Of("rect", $"strip {colour}", At("x", 0), At("y", Px(from)), At("width", 8), At("height", Px(to - from)), Of("title", null, block.Name));
        yield return Of("rect", "block", At("x", Px(from)), At("y", Px(from)), At("width", Px(to - from)), At("height", Px(to - from)));
    }

    /// <summary>[cells, cells].</summary>
    private double[] CellMeans(double[] affinity)
    {
        var (n, values) = (_order.Length, new double[Cells * Cells]);
        for (var r = 0; r < Cells; r++)
        {
            for (var c = 0; c < Cells; c++)
            {
                values[r * Cells + c] = Mean(affinity, n, _order.AsSpan(_cells[r].._cells[r + 1]), _order.AsSpan(_cells[c].._cells[c + 1]));
            }
        }
        return values;
    }

    /// <summary>[clusters, clusters]; of a cluster of one point with itself not a number.</summary>
    private IEnumerable<double> ClusterMeans(double[] affinity) => _blocks.SelectMany(row => _blocks.Select(column =>
        Mean(affinity, _order.Length, _order.AsSpan(_cells[row.From].._cells[row.To]), _order.AsSpan(_cells[column.From].._cells[column.To]), double.NaN)));

    /// <summary>Mean between two sets of points, without that of a point and itself.</summary>
    private static double Mean(double[] affinity, int n, ReadOnlySpan<int> rows, ReadOnlySpan<int> columns, double none = 0)
    {
        var (sum, count) = (0.0, 0L);
        foreach (var i in rows)
        {
            foreach (var j in columns)
            {
                if (i != j)
                {
                    sum += affinity[(long)i * n + j];
                    count++;
                }
            }
        }
        return count == 0 ? none : sum / count;
    }

    /// <summary>Where colours begin and end: a few extreme values would leave the others all alike.</summary>
    private static (double From, double To) Limits(double[] values)
    {
        double[] sorted = [.. values.Order()];
        var (from, to) = (Math.Min(0, sorted[sorted.Length / 200]), sorted[sorted.Length - 1 - sorted.Length / 100]);
        return (from, to > from && double.IsFinite(to - from) ? to : from + 1);
    }
}
