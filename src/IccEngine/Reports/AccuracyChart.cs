using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>Accuracies of one method, a value for each category.</summary>
/// <param name="Name">The method.</param>
/// <param name="IsPaper">Whether they are the paper's figures.</param>
/// <param name="Values">Accuracy and its standard error, fractions; null where there is none.</param>
internal sealed record AccuracySeries(string Name, bool IsPaper, IReadOnlyList<(double? Accuracy, double? Error)> Values);

/// <summary>Accuracies of several methods, with bars of a standard error to both sides.</summary>
/// <param name="title">What is shown.</param>
/// <param name="axis">What the categories are.</param>
/// <param name="categories">Their names.</param>
/// <param name="series">The methods.</param>
internal sealed class AccuracyChart(string title, string axis, IReadOnlyList<string> categories, IReadOnlyList<AccuracySeries> series)
{
    private const double Left = 54, Right = 408, Top = 10;
    private const double RowOfMethod = 9;

    /// <summary>Categories from left to right, the values of a method joined by a line: for categories that have an order.</summary>
    public XElement Lines()
    {
        const double bottom = 248;
        var y = Scale(bottom, Top);
        var step = (Right - Left) / categories.Count;
        double X(int category, int s) => Left + (category + 0.5) * step + (s - (series.Count - 1) / 2.0) * Math.Min(4, step / (series.Count + 1));
        return Figure(At("viewBox", "0 0 416 286"),
            Of("rect", "frame", At("x", Px(Left)), At("y", Px(Top)), At("width", Px(Right - Left)), At("height", Px(bottom - Top))),
            y.Left(Left, Right, Percent),
            categories.Select((c, i) => Of("text", "tick mid", At("x", Px(Left + (i + 0.5) * step)), At("y", Px(bottom + 14)), Short(c, 12))),
            Of("text", "axis mid", At("x", Px((Left + Right) / 2)), At("y", 280), axis),
            Of("text", "axis mid", At("transform", $"translate(12 {Px((Top + bottom) / 2)}) rotate(-90)"), "accuracy, %"),
            series.Select((one, s) => Of("path", $"line {Style(one, s)}", At("d", Path(one, i => X(i, s), y)))),
            Of("g", "marks", [.. series.SelectMany((one, s) => Points(one).SelectMany(p => Mark(one, s, p.Category,
                X(p.Category, s), y.At(p.Accuracy), p.Error is { } e ? $"M{Px(X(p.Category, s))} {Px(y.At(p.Accuracy - e))}V{Px(y.At(p.Accuracy + e))}" : null)))]));
    }

    /// <summary>Categories from top to bottom, a row for each: as many as there are.</summary>
    public XElement Rows()
    {
        var height = Math.Max(18, RowOfMethod * (series.Count + 1));
        var bottom = Top + height * categories.Count;
        var x = Scale(132, Right);
        double Y(int category, int s) => Top + height * category + height * (s + 1) / (series.Count + 1);
        return Figure(At("viewBox", $"0 0 416 {Px(bottom + 38)}"),
            x.Bottom(bottom, Top, Percent),
            categories.Select((c, i) => Of("text", "tick end", At("x", 126), At("y", Px(Top + height * (i + 0.5) + 4)), Short(c, 22))),
            categories.Select((_, i) => Of("path", "rule", At("d", $"M0 {Px(Top + height * (i + 1))}H{Px(Right)}"))),
            Of("text", "axis mid", At("x", Px((132 + Right) / 2)), At("y", Px(bottom + 32)), "accuracy, %"),
            Of("g", "marks", [.. series.SelectMany((one, s) => Points(one).SelectMany(p => Mark(one, s, p.Category,
                x.At(p.Accuracy), Y(p.Category, s), p.Error is { } e ? $"M{Px(x.At(p.Accuracy - e))} {Px(Y(p.Category, s))}H{Px(x.At(p.Accuracy + e))}" : null)))]));
    }

    private XElement Figure(params object?[] drawing) => Of("figure", "plot",
        Of("figcaption", null, Of("h3", null, title)),
        Of("svg", null, [At("role", "group"), At("aria-label", $"{title}; the tables below have the same numbers"), .. drawing]),
        Of("ul", "keys", [.. series.Select((one, s) => Of("li", null, Marks.Inline(s), $" {one.Name}"))]));

    private static IEnumerable<(int Category, double Accuracy, double? Error)> Points(AccuracySeries one) =>
        from v in one.Values.Select((value, i) => (i, value.Accuracy, value.Error)) where v.Accuracy is not null select (v.i, v.Accuracy!.Value, v.Error);

    private IEnumerable<XElement> Mark(AccuracySeries one, int s, int category, double x, double y, string? bar)
    {
        if (bar is not null)
        {
            yield return Of("path", $"bar {Style(one, s)}", At("d", bar));
        }
        var value = one.Values[category];
        var error = value.Error is { } e ? $" ± {Show(100 * e, "0.0")}" : "";
        yield return Marks.Of(s, x, y, 1, one.IsPaper ? At("fill-opacity", 0.1) : null,
            Of("title", null, $"{one.Name} · {categories[category]} · {Show(100 * value.Accuracy!.Value, "0.0")}{error} %"));
    }

    private static string Path(AccuracySeries one, Func<int, double> x, Axis y)
    {
        var (path, last) = ("", -2);
        foreach (var (category, accuracy, _) in Points(one))
        {
            path += $"{(category == last + 1 ? "L" : "M")}{Px(x(category))} {Px(y.At(accuracy))}";
            last = category;
        }
        return path;
    }

    private static string Style(AccuracySeries one, int s) => $"{Marks.Colour(s)}{(one.IsPaper ? " paper" : "")}";

    /// <summary>An axis of accuracies, from a round number below the smallest one up to 1.</summary>
    private Axis Scale(double start, double end)
    {
        var smallest = series.SelectMany(Points).Select(p => p.Accuracy - (p.Error ?? 0)).DefaultIfEmpty(0).Min();
        return new Axis(Math.Clamp(Math.Floor(10 * smallest - 0.2) / 10, 0, 0.9), 1.01, start, end);
    }

    private static string Percent(double accuracy) => Show(100 * accuracy, "0.#");
}
