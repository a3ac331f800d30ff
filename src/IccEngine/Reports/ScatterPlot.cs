using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>Points in a plane, with a mark for each cluster.</summary>
internal static class ScatterPlot
{
    /// <summary>Most points that are drawn.</summary>
    public const int MostPoints = 1500;

    /// <summary>More points are drawn smaller.</summary>
    private const int Crowd = 300;

    private const double Small = 0.6;

    private const int MostKeys = 24;
    private const double Left = 54, Right = 408, Top = 8, Bottom = 268;

    /// <summary>Draws one labeling.</summary>
    /// <param name="title">Whose labels they are.</param>
    /// <param name="plane">Where the points are.</param>
    /// <param name="shown">Numbers of the points that are drawn.</param>
    /// <param name="labels">[n].</param>
    /// <param name="colours">[n]: labels made comparable with those of other drawings.</param>
    /// <param name="confidence">[n], 0 to 1, or null.</param>
    /// <param name="describe">What is said of a point.</param>
    /// <param name="name">What a label is called; null: its number.</param>
    public static XElement Draw(
        string title, PointPlane plane, int[] shown, int[] labels, int[] colours, double[]? confidence, Func<int, string> describe,
        Func<int, string>? name = null)
    {
        var x = Axis.Around(shown.Select(i => plane.X[i]), Left, Right);
        var y = Axis.Around(shown.Select(i => plane.Y[i]), Bottom, Top);
        var outside = shown.Count(i => !x.Has(plane.X[i]) || !y.Has(plane.Y[i]));
        // The points that are least certain lie on top, for one looks for them.
        var order = confidence is null ? shown : [.. shown.OrderByDescending(i => confidence[i])];
        return Of("figure", "plot",
            Of("figcaption", null, Of("h3", null, title)),
            Of("svg", null, At("viewBox", "0 0 416 304"), At("role", "group"), At("aria-label", $"{title}: {shown.Length} points by {plane.AxisX} and {plane.AxisY}; the arrow keys go from point to point"),
                Of("rect", "frame", At("x", Px(Left)), At("y", Px(Top)), At("width", Px(Right - Left)), At("height", Px(Bottom - Top))),
                x.Bottom(Bottom, Top), y.Left(Left, Right),
                Of("text", "axis mid", At("x", Px((Left + Right) / 2)), At("y", 298), plane.AxisX),
                Of("text", "axis mid", At("transform", $"translate(12 {Px((Top + Bottom) / 2)}) rotate(-90)"), plane.AxisY),
                Of("g", "marks", [.. order.Select(i => Marks.Of(colours[i], x.At(plane.X[i]), y.At(plane.Y[i]), shown.Length > Crowd ? Small : 1, At("data-i", i), Certainty(confidence, i),
                    Of("title", null, Short(describe(i), 400))))])),
            Keys(labels, colours, name ?? ClusterName),
            outside == 0 ? null : Of("p", "hint", outside == 1 ? "One point lies beyond the edge and is drawn at it." : $"{outside} points lie beyond the edge and are drawn at it."),
            confidence is null ? null : Of("p", "hint", "The hollower a mark, the less certain its label."));
    }

    /// <summary>Which mark is which cluster, and its size.</summary>
    private static XElement Keys(int[] labels, int[] colours, Func<int, string> name)
    {
        var clusters = labels.Zip(colours).GroupBy(p => p.First).OrderBy(g => g.Key).ToArray();
        return Of("ul", "keys",
        [
            .. clusters.Take(MostKeys).Select(g => Of("li", null, Marks.Inline(g.First().Second), " ", Foreign(name(g.Key), 40), $" ({g.Count()})")),
            clusters.Length > MostKeys ? Of("li", null, $"and {clusters.Length - MostKeys} more") : null,
        ]);
    }

    /// <summary>A cluster for people.</summary>
    public static string ClusterName(int label) => label < 0 ? "noise" : $"cluster {label}";

    private static XAttribute? Certainty(double[]? confidence, int i) =>
        confidence is null ? null : At("fill-opacity", Show(0.05 + 0.95 * Math.Clamp(confidence[i], 0, 1), "0.##"));
}
