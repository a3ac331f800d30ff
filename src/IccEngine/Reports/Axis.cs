using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>A range of numbers along an edge of a drawing.</summary>
/// <param name="From">Smallest number.</param>
/// <param name="To">Largest number, above the smallest.</param>
/// <param name="Start">Where the smallest is drawn.</param>
/// <param name="End">Where the largest is drawn.</param>
internal readonly record struct Axis(double From, double To, double Start, double End)
{
    private const double Border = 0.04;

    /// <summary>An axis around numbers: where a few lie far outside of the others it leaves them out.</summary>
    /// <param name="values">Finite numbers, at least one.</param>
    /// <param name="start">Where it begins in the drawing.</param>
    /// <param name="end">Where it ends.</param>
    public static Axis Around(IEnumerable<double> values, double start, double end)
    {
        double[] sorted = [.. values.Order()];
        var (low, high) = (sorted[sorted.Length / 20], sorted[sorted.Length - 1 - sorted.Length / 20]);
        // Halves keep the widths of the largest numbers finite.
        var reach = 3 * (high / 2 - low / 2);
        var (from, to) = (Math.Max(sorted[0], low - reach), Math.Min(sorted[^1], high + reach));
        if (!(to - from > 1e-12 * Math.Max(Math.Abs(from), Math.Abs(to))) || !double.IsFinite(to - from))
        {
            var half = Math.Max(0.5, Math.Abs(from) * 0.01);
            (from, to) = (Math.Clamp(from - half, -1e300, 1e300), Math.Clamp(to + half, -1e300, 1e300));
        }
        var border = Border * (to - from);
        return new Axis(from - border, to + border, start, end);
    }

    /// <summary>Where a number is drawn; at the edge where it lies outside.</summary>
    public double At(double value) => Start + Math.Clamp((value - From) / (To - From), 0, 1) * (End - Start);

    /// <summary>Whether a number lies within.</summary>
    public bool Has(double value) => value >= From && value <= To;

    /// <summary>Round numbers along the axis, some five of them.</summary>
    public IReadOnlyList<double> Ticks()
    {
        var rough = (To - From) / 5;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
        var first = Math.Ceiling(From / step);
        var count = (int)Math.Min(10, Math.Floor(To / step) - first + 1);
        return [.. Enumerable.Range(0, Math.Max(0, count)).Select(i => (first + i) * step)];
    }

    /// <summary>Lines and numbers of an axis along the bottom: lines go up to <paramref name="top"/>.</summary>
    public IEnumerable<XElement> Bottom(double bottom, double top, Func<double, string>? show = null)
    {
        foreach (var tick in Ticks())
        {
            var x = Px(At(tick));
            yield return Of("path", "grid", Html.At("d", $"M{x} {Px(top)}V{Px(bottom)}"));
            yield return Of("text", "tick mid", Html.At("x", x), Html.At("y", Px(bottom + 14)), (show ?? Number)(tick));
        }
    }

    /// <summary>Lines and numbers of an axis along the left edge: lines go to <paramref name="right"/>.</summary>
    public IEnumerable<XElement> Left(double left, double right, Func<double, string>? show = null)
    {
        foreach (var tick in Ticks())
        {
            var y = At(tick);
            yield return Of("path", "grid", Html.At("d", $"M{Px(left)} {Px(y)}H{Px(right)}"));
            yield return Of("text", "tick end", Html.At("x", Px(left - 5)), Html.At("y", Px(y + 4)), (show ?? Number)(tick));
        }
    }

    private static string Number(double value) =>
        Math.Abs(value) is (< 1e-3 or >= 1e5) and not 0 ? Show(value, "0.#e0") : Show(value, "0.####");
}
