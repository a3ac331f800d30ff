using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace IccEngine;

/// <summary>
/// Elements of a page. The page is a tree that is written as XML which browsers read as HTML: what comes from files is text of the tree, and
/// cannot become markup.
/// </summary>
internal static class Html
{
    private static readonly HashSet<string> _void = ["meta", "img", "br", "col"];

    /// <summary>An element.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="classes">Its classes, or null.</param>
    /// <param name="content">Attributes, elements and texts; null is left out.</param>
    public static XElement Of(string name, string? classes, params object?[] content)
    {
        var element = new XElement(name, classes is null ? null : At("class", classes), content.Select(c => c is string text ? Clean(text) : c));
        if (element.IsEmpty && !_void.Contains(name))
        {
            // Browsers take <p/> for the beginning of a paragraph.
            element.Add("");
        }
        return element;
    }

    /// <summary>An attribute.</summary>
    public static XAttribute At(string name, object value) =>
        new(name, value is string text ? Clean(text) : Convert.ToString(value, CultureInfo.InvariantCulture)!);

    /// <summary>A text of somebody else's, in its own direction of writing and shortened to a number of characters.</summary>
    public static XElement Foreign(string text, int most = 200) => Of("bdi", null, Short(text, most));

    /// <summary>A table with a head, which scrolls by itself where it is wider than the page.</summary>
    /// <param name="caption">What it shows.</param>
    /// <param name="columns">What stands above the columns.</param>
    /// <param name="rows">Rows of texts or elements; the first of a row names it.</param>
    /// <param name="classes">Classes of the table, or null.</param>
    public static XElement Table(string caption, IEnumerable<object> columns, IEnumerable<IEnumerable<object>> rows, string? classes = null) =>
        Of("div", "sheet", Of("p", "caption", caption),
            Of("div", "scroll", At("tabindex", 0), At("role", "region"), At("aria-label", caption),
                Of("table", classes,
                    Of("thead", null, Of("tr", null, [.. columns.Select(c => Of("th", null, At("scope", "col"), c))])),
                    Of("tbody", null, [.. rows.Select(row => Of("tr", null, [.. row.Select(Cell)]))]))));

    /// <summary>A section with a heading.</summary>
    public static XElement Section(string title, params object?[] content) => Of("section", null, [Of("h2", null, title), .. content]);

    /// <summary>A text of at most so many characters, with an ellipsis where it was longer.</summary>
    public static string Short(string text, int most)
    {
        if (text.Length <= most)
        {
            return text;
        }
        return text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)] + "…";
    }

    /// <summary>A number for people.</summary>
    public static string Show(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>A coordinate in a drawing.</summary>
    public static string Px(double value) => Show(value, "0.#");

    /// <summary>The text without what no page may hold: control characters and halves of surrogate pairs. Line ends become spaces.</summary>
    public static string Clean(string text)
    {
        if (text.All(c => c is >= ' ' and < '\ud800' or >= '\ue000' and < '\ufffe' && c is not '\u007f'))
        {
            return text;
        }
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(rune.Value is '\t' or '\n' or '\r' ? " " : Rune.IsControl(rune) || rune.Value is 0xfffe or 0xffff ? "\ufffd" : rune.ToString());
        }
        return clean.ToString();
    }

    private static XElement Cell(object content, int column) => column == 0
        ? Of("th", null, At("scope", "row"), content)
        : Of("td", null, content);
}
