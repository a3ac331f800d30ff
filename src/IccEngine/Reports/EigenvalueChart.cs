using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>The smallest eigenvalues of the normalised Laplacian, and the gap behind the number of clusters.</summary>
internal static class EigenvalueChart
{
    private const int MostNumbers = 20;
    private const double Left = 54, Right = 408, Top = 10, Bottom = 200;

    /// <summary>Draws them.</summary>
    /// <param name="values">Ascending, at least one.</param>
    /// <param name="clusters">Number of clusters k that was asked for.</param>
    public static XElement Draw(IReadOnlyList<double> values, int clusters)
    {
        var (low, high) = (Math.Min(0, values[0]), Math.Max(values[^1], 1e-9));
        var y = new Axis(low - 0.06 * (high - low), high + 0.06 * (high - low), Bottom, Top);
        var step = (Right - Left) / values.Count;
        double X(int i) => Left + (i + 0.5) * step;
        var gap = clusters < values.Count ? values[clusters] - values[clusters - 1] : (double?)null;
        var caption = gap is { } g ? $"gap behind {clusters}: {Show(g, "0.0000")}" : "";
        return Of("figure", "plot small",
            Of("svg", null, At("viewBox", "0 0 416 236"), At("role", "img"), At("aria-label", $"The {values.Count} smallest eigenvalues: {string.Join(", ", values.Select(v => Show(v, "0.000")))}. {caption}"),
                Of("rect", "frame", At("x", Px(Left)), At("y", Px(Top)), At("width", Px(Right - Left)), At("height", Px(Bottom - Top))),
                y.Left(Left, Right),
                gap is null ? null : Of("rect", "gap", At("x", Px(Left)), At("width", Px(Right - Left)), At("y", Px(y.At(values[clusters]))), At("height", Px(y.At(values[clusters - 1]) - y.At(values[clusters])))),
                Enumerable.Range(0, values.Count).Where(i => values.Count <= MostNumbers || i % 5 == 4).Select(i => Of("text", "tick mid", At("x", Px(X(i))), At("y", Px(Bottom + 14)), $"{i + 1}")),
                Of("text", "axis mid", At("x", Px((Left + Right) / 2)), At("y", 230), "number of the eigenvalue"),
                Of("g", "marks", [.. values.Select((v, i) => Of("circle", $"mark {(i < clusters ? "k0" : "k1")}", At("cx", Px(X(i))), At("cy", Px(y.At(v))), At("r", 4),
                    Of("title", null, $"eigenvalue {i + 1}: {Show(v, "0.0000")}")))])),
            caption.Length == 0 ? null : Of("figcaption", "hint", $"The shaded band is the {caption}; the wider it is beside the others, the clearer the number of clusters."));
    }
}
