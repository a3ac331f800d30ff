using System.Xml.Linq;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>The marks of clusters and methods in drawings: a colour and a shape each, so that no two are told apart by colour alone.</summary>
internal static class Marks
{
    private const int Colours = 10;

    // About 8 units across, of about equal area.
    private static readonly string[] _shapes =
    [
        "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "M-3.5 -3.5h7v7h-7z",
        "M0 -4.8L4.6 3.4H-4.6z",
        "M0 -5L4.6 0L0 5L-4.6 0z",
        "M0 4.8L4.6 -3.4H-4.6z",
        "M-1.5 -4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
        "M0 -5L4.75 -1.5L2.95 4.05H-2.95L-4.75 -1.5z",
        "M0 -5.2L1.5 -1.9L5 -1.6L2.4 0.8L3.1 4.3L0 2.5L-3.1 4.3L-2.4 0.8L-5 -1.6L-1.5 -1.9z",
        "M-4.6 -3.2h9.2v6.4h-9.2z",
    ];

    private const string Noise = "M-3.5 -2.5l2.5 2.5l-2.5 2.5l1 1l2.5 -2.5l2.5 2.5l1 -1l-2.5 -2.5l2.5 -2.5l-1 -1l-2.5 2.5l-2.5 -2.5z";

    /// <summary>The class with the colour of a cluster, or of a series; -1 is noise.</summary>
    public static string Colour(int number) => number < 0 ? "noise" : $"k{number % Colours}";

    /// <summary>A mark in a drawing.</summary>
    /// <param name="number">Number of the cluster or series; -1 is noise.</param>
    /// <param name="x">Where its middle is.</param>
    /// <param name="y">Where its middle is.</param>
    /// <param name="size">1: some 8 units across.</param>
    /// <param name="content">Further attributes, and what it says.</param>
    public static XElement Of(int number, double x, double y, double size, params object?[] content) => Html.Of(
        "use", $"mark {Colour(number)}",
        [
            At("href", number < 0 ? "#noise" : $"#m{number % _shapes.Length}"),
            At("transform", $"translate({Px(x)} {Px(y)}){(size == 1 ? "" : $" scale({Show(size, "0.##")})")}"),
            .. content,
        ]);

    /// <summary>A mark in a line of text.</summary>
    public static XElement Inline(int number) => Html.Of(
        "svg", "key", At("viewBox", "-6 -6 12 12"), At("aria-hidden", "true"), Of(number, 0, 0, 1));

    /// <summary>The shapes, once a page.</summary>
    public static XElement Definitions() => Html.Of(
        "svg", "defs", At("aria-hidden", "true"), At("width", 0), At("height", 0),
        Html.Of("defs", null,
        [
            .. _shapes.Select((shape, i) => Html.Of("path", null, At("id", $"m{i}"), At("d", shape))),
            Html.Of("path", null, At("id", "noise"), At("d", Noise)),
        ]));
}
