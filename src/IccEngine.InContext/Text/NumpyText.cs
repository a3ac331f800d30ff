using System.Text;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// An array as text, as the original of the paper prints it: numpy's array2string with two decimals, a comma as separator
/// and small numbers never scientific; newlines removed; a blank between "[" and "-".
/// </summary>
/// <remarks>
/// Floats are rounded as numpy rounds: rint(100 v) / 100 in the arithmetic of their type, half to even of the product. All
/// numbers have one format: the widest integer part, and the longest fraction with blanks for trailing zeros. From 1e8 on
/// (1e6 for float) one number turns the whole array scientific. Rows longer than 75 characters keep the indent of the line
/// break. More than 1000 numbers are summarised: along every axis longer than 6 the first and last 3 remain, with "..." between.
/// </remarks>
public sealed class NumpyText
{
    /// <summary>The largest count of numbers that is printed in full.</summary>
    public const int SummaryThreshold = 1000;

    private const int EdgeItems = 3;
    private const int LineWidth = 75;

    private NumpyText(string text, IReadOnlyList<(int Start, int End)> rows, IReadOnlyList<int> rowIndices)
    {
        Text = text;
        Rows = rows;
        RowIndices = rowIndices;
    }

    /// <summary>The text.</summary>
    public string Text { get; }

    /// <summary>
    /// Where every printed row of a matrix stands in <see cref="Text"/>, in UTF-16 units, half-open: from its "[" to before the next printed row's "[". The first
    /// begins with the outer "[" too, the last goes through "]]", and a summary's "..." belongs to the row before it. Empty for a vector.
    /// </summary>
    public IReadOnlyList<(int Start, int End)> Rows { get; }

    /// <summary>The row of the array behind every entry of <see cref="Rows"/>; not all of them where the text is a summary.</summary>
    public IReadOnlyList<int> RowIndices { get; }

    /// <summary>Prints doubles.</summary>
    /// <param name="values">The array, row by row.</param>
    /// <param name="shape">[n] or [n, d].</param>
    /// <param name="summarise">
    /// Whether to summarise more than 1000 numbers as numpy does, which leaves out points; otherwise they are refused.
    /// </param>
    /// <exception cref="IccArgumentException">A shape that does not fit, or more than 1000 numbers and no summary wanted.</exception>
    public static NumpyText Format(ReadOnlySpan<double> values, ReadOnlySpan<int> shape, bool summarise = false) =>
        Format(values, shape, summarise, static kept => NumpyNumbers.Words(Array.ConvertAll(kept, v => Math.Round(v * 100.0, MidpointRounding.ToEven) / 100.0)));

    /// <summary>Prints floats, rounded in their own precision.</summary>
    /// <inheritdoc cref="Format(ReadOnlySpan{double}, ReadOnlySpan{int}, bool)"/>
    public static NumpyText Format(ReadOnlySpan<float> values, ReadOnlySpan<int> shape, bool summarise = false) =>
        Format(values, shape, summarise, static kept => NumpyNumbers.Words(Array.ConvertAll(kept, v => MathF.Round(v * 100f, MidpointRounding.ToEven) / 100f)));

    /// <summary>Prints integers: no point, never scientific.</summary>
    /// <inheritdoc cref="Format(ReadOnlySpan{double}, ReadOnlySpan{int}, bool)"/>
    public static NumpyText Format(ReadOnlySpan<long> values, ReadOnlySpan<int> shape, bool summarise = false) =>
        Format(values, shape, summarise, static kept => NumpyNumbers.Words(kept));

    /// <summary>The text of a training answer: "[0, 1, 1]".</summary>
    /// <param name="labels">The labels, in the order of the points.</param>
    /// <param name="summarise">Whether to summarise more than 1000 labels as numpy does; otherwise they are refused.</param>
    /// <exception cref="IccArgumentException">More than 1000 labels and no summary wanted.</exception>
    public static string Answer(ReadOnlySpan<int> labels, bool summarise = false)
    {
        CheckSize(labels.Length, summarise, "labels");
        var kept = new List<string>();
        foreach (var i in Kept(labels.Length, labels.Length > SummaryThreshold))
        {
            kept.Add(i < 0 ? "..." : labels[i].ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        return $"[{string.Join(", ", kept)}]";
    }

    private static NumpyText Format<T>(ReadOnlySpan<T> values, ReadOnlySpan<int> shape, bool summarise, Func<T[], string[]> print)
    {
        if (shape.Length is not (1 or 2))
        {
            throw new IccArgumentException($"an array of {shape.Length} dimensions cannot be printed: expected [n] or [n, d]");
        }
        var isMatrix = shape.Length == 2;
        var (rows, columns) = isMatrix ? (shape[0], shape[1]) : (1, shape[0]);
        if (rows < 0 || columns < 0 || (long)rows * columns != values.Length)
        {
            throw new IccArgumentException($"the shape [{string.Join(", ", shape.ToArray())}] does not fit an array of {values.Length} numbers");
        }
        CheckSize(values.Length, summarise, "numbers");
        if (values.Length == 0)
        {
            return new NumpyText("[]", [], []);
        }
        var isSummary = values.Length > SummaryThreshold;
        var keptRows = Kept(rows, isSummary && isMatrix);
        var keptColumns = Kept(columns, isSummary);
        var kept = new List<T>();
        foreach (var r in keptRows.Where(r => r >= 0))
        {
            foreach (var c in keptColumns.Where(c => c >= 0))
            {
                kept.Add(values[(r * columns) + c]);
            }
        }
        return Compose(print([.. kept]), keptRows, keptColumns, isMatrix);
    }

    private static NumpyText Compose(string[] words, List<int> rows, List<int> columns, bool isMatrix)
    {
        var text = new StringBuilder();
        var starts = new List<int>();
        var next = 0;
        text.Append(isMatrix ? "[" : "");
        for (var r = 0; r < rows.Count; r++)
        {
            text.Append(r == 0 ? "" : ", ");
            if (rows[r] < 0)
            {
                text.Append("...");
                continue;
            }
            starts.Add(starts.Count == 0 ? 0 : text.Length);
            AppendRow(text, columns, indent: isMatrix ? 2 : 1, () => words[next++]);
        }
        text.Append(isMatrix ? "]" : "");
        var ranges = starts.Select((start, i) => (start, i + 1 < starts.Count ? starts[i + 1] : text.Length));
        return new NumpyText(text.ToString(), isMatrix ? [.. ranges] : [], isMatrix ? [.. rows.Where(r => r >= 0)] : []);
    }

    /// <summary>One row; <paramref name="indent"/> is the number of blanks that begin a line, and of brackets that may end one.</summary>
    private static void AppendRow(StringBuilder text, List<int> columns, int indent, Func<string> nextWord)
    {
        text.Append('[');
        var line = indent;
        for (var c = 0; c < columns.Count; c++)
        {
            var word = columns[c] < 0 ? "..." : nextWord();
            if (line > indent && line + word.Length > LineWidth - indent)
            {
                // The newline itself is removed from the prompt; the blanks of the new line stay.
                text.Append(' ', indent);
                line = indent;
            }
            text.Append(c == 0 && word[0] == '-' ? " " : "").Append(word).Append(c + 1 < columns.Count ? "," : "");
            line += word.Length + 1;
        }
        text.Append(']');
    }

    /// <summary>Indices that are printed along one axis; -1 stands for "...".</summary>
    private static List<int> Kept(int length, bool isSummary) => isSummary && length > 2 * EdgeItems
        ? [.. Enumerable.Range(0, EdgeItems), -1, .. Enumerable.Range(length - EdgeItems, EdgeItems)]
        : [.. Enumerable.Range(0, length)];

    private static void CheckSize(int count, bool summarise, string what)
    {
        if (count > SummaryThreshold && !summarise)
        {
            throw new IccArgumentException(
                $"{count} {what} in one prompt: numpy prints at most {SummaryThreshold} and silently drops points beyond; use fewer points, or ask for numpy's summary");
        }
    }
}
