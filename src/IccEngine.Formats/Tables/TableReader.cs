using System.Globalization;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Chooses the columns of a table and turns their fields into numbers.</summary>
internal sealed class TableReader(RowSource source, TableOptions options)
{
    private static readonly HashSet<string> MissingWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "", "nan", "na", "n/a", "null", "none", "?", "-",
    };

    private readonly List<double> _values = [];
    private readonly List<string> _labels = [];
    private readonly Dictionary<string, string> _labelTexts = new(StringComparer.Ordinal);
    private int[] _columns = [];
    private int _label = -1;

    /// <summary>Reads the whole table.</summary>
    public Table Read()
    {
        if (!source.Next())
        {
            throw new IccFormatException(source.Path, "the file is empty, expected a table");
        }
        var header = source.Format != TableFormat.Jsonl && IsHeader();
        if (header)
        {
            source.TakeHeader();
        }
        ChooseColumns(source.Names ?? [.. Enumerable.Range(1, source.Fields.Length).Select(i => $"{i}")]);
        if (header && !source.Next())
        {
            throw new IccFormatException(source.Path, "found a header only, expected rows");
        }
        var rows = 0;
        do
        {
            AddRow();
            rows++;
        }
        while (source.Next());
        var names = _columns.Select(NameOf).ToArray();
        return new Table(source.Path, header, source.Names, names, [.. _values], rows, _label >= 0 ? [.. _labels] : null);
    }

    private string NameOf(int column) => source.Names?[column] ?? $"{column + 1}";

    /// <summary>
    /// A header where a name is asked for that is no column number, or where a wanted field is no number. A missing value beside
    /// numbers is no name: the row is data, and its error is to be told.
    /// </summary>
    private bool IsHeader()
    {
        var fields = source.Fields;
        var asked = options.Columns ?? [];
        if (asked.Append(options.LabelColumn ?? "1").Any(c => IndexOf(c, fields.Length) is null))
        {
            return true;
        }
        var label = options.LabelColumn is { } l ? IndexOf(l, fields.Length) : null;
        var wanted = options.Columns is null
            ? Enumerable.Range(0, fields.Length).Where(i => i != label)
            : asked.Select(c => IndexOf(c, fields.Length)!.Value);
        var texts = wanted.Select(i => fields[i].Trim()).ToList();
        return !texts.All(t => IsNumber(t) || IsMissing(t)) || texts.Count > 0 && !texts.Any(IsNumber);
    }

    private void ChooseColumns(string[] names)
    {
        _label = options.LabelColumn is { } label ? Find(names, label) : -1;
        _columns = options.Columns is { } columns
            ? [.. columns.Select(c => Find(names, c))]
            : [.. Enumerable.Range(0, names.Length).Where(i => i != _label)];
        if (_columns.Length == 0)
        {
            throw new IccFormatException(source.Path, "found no column of numbers, expected one at least");
        }
        if (_columns.Length != _columns.Distinct().Count())
        {
            throw new IccArgumentException($"{source.Path}: --columns {string.Join(",", options.Columns!)} names a column twice");
        }
        if (_columns.Contains(_label))
        {
            throw new IccArgumentException($"{source.Path}: column '{options.LabelColumn}' is the label column and cannot be one of --columns too");
        }
    }

    private int Find(string[] names, string column)
    {
        var at = Array.IndexOf(names, column);
        return at >= 0 ? at : IndexOf(column, names.Length)
            ?? throw new IccArgumentException($"column '{column}': not in {source.Path}; it has {string.Join(", ", names.Take(20)).ReplaceLineEndings(" ")}{(names.Length > 20 ? ", ..." : "")}");
    }

    private static int? IndexOf(string column, int count) =>
        int.TryParse(column, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= count ? number - 1 : null;

    private void AddRow()
    {
        if ((long)source.Row * (_columns.Length + 1) > Table.MaxValues)
        {
            throw source.Error($"found more than {Table.MaxValues} values, expected a smaller table");
        }
        foreach (var column in _columns)
        {
            _values.Add(Number(column));
        }
        if (_label >= 0)
        {
            var text = source.Label(_label);
            if (text.Trim().Length == 0)
            {
                throw source.Error("found nothing, expected a label", NameOf(_label));
            }
            // Labels repeat: one string for each class.
            _labels.Add(_labelTexts.TryGetValue(text, out var known) ? known : _labelTexts[text] = text);
        }
    }

    private double Number(int column)
    {
        var text = source.Fields[column].AsSpan().Trim();
        if (IsNumber(text, out var value))
        {
            return value;
        }
        var found = text.ToString();
        var shown = $"found '{(found.Length <= 60 ? found : $"{found.AsSpan(0, 57)}...")}'".ReplaceLineEndings(" ");
        throw source.Error(IsMissing(found)
            ? $"{shown}, expected a number (missing values are not filled in)"
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
                ? $"{shown}, expected a finite number"
                : $"{shown}, expected a number; choose columns with --columns", NameOf(column));
    }

    private static bool IsMissing(string text) => MissingWords.Contains(text.Trim('"'));

    private static bool IsNumber(string text) => IsNumber(text, out _);

    private static bool IsNumber(ReadOnlySpan<char> text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
