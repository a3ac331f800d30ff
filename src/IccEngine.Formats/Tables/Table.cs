using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// Numbers from a table file: CSV, TSV or JSON lines. Numbers are in the invariant culture, without separators of thousands; missing
/// values are refused, not filled in.
/// </summary>
public sealed class Table
{
    /// <summary>Most values (rows x columns) of a table.</summary>
    public const int MaxValues = 50_000_000;

    private readonly bool _hasHeader;
    private readonly IReadOnlyList<string>? _allNames;

    internal Table(
        string path, bool hasHeader, IReadOnlyList<string>? allNames, string[] columnNames, double[] values, int rows, string[]? labels)
    {
        (Path, _hasHeader, _allNames, ColumnNames, Values, Rows, Labels) = (path, hasHeader, allNames, columnNames, values, rows, labels);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Names of the columns of numbers; their numbers, counted from 1, where the file has no names.</summary>
    public IReadOnlyList<string> ColumnNames { get; }

    /// <summary>Number of rows.</summary>
    public int Rows { get; }

    /// <summary>Number of columns of numbers.</summary>
    public int Columns => ColumnNames.Count;

    /// <summary>The numbers. // [rows, columns], row-major</summary>
    public double[] Values { get; }

    /// <summary>The label of each row; null where no label column was asked for.</summary>
    public IReadOnlyList<string>? Labels { get; }

    /// <summary>Whether the file names a column so, of numbers or not, read or not.</summary>
    public bool HasColumn(string name) => _allNames?.Contains(name) ?? false;

    /// <summary>The numbers of one row.</summary>
    public ReadOnlySpan<double> Row(int row) => Values.AsSpan(row * Columns, Columns);

    /// <summary>
    /// Reads a file. The first row of a delimited file is a header unless its fields in the wanted columns are numbers. Rows in
    /// messages are counted from 1 without the header.
    /// </summary>
    /// <param name="path">The file: .csv, .tsv, .tab, .jsonl or .ndjson; with another extension its first line decides.</param>
    /// <param name="options">Which columns; by default all, each of them numbers.</param>
    /// <exception cref="IccFormatException">The file is missing or malformed, a value is no number, or the table is too large.</exception>
    /// <exception cref="IccArgumentException">An asked-for column is not there, or is asked for twice.</exception>
    public static Table Read(string path, TableOptions? options = null)
    {
        using var source = RowSource.Open(path);
        return new TableReader(source, options ?? new TableOptions()).Read();
    }

    /// <summary>
    /// Writes the file's rows, all columns as they are, with further columns of numbers, in the same format; whole or not at all. The source is
    /// read again; writing over it is possible.
    /// </summary>
    /// <param name="path">The file to write.</param>
    /// <param name="labels">One number for each row.</param>
    /// <param name="column">Name of their column.</param>
    /// <param name="further">Names and finite numbers, one for each row, of columns behind it.</param>
    /// <exception cref="IccArgumentException">There is a column of such a name already, or not one number for each row.</exception>
    /// <exception cref="IccFormatException">The file cannot be written, or the source has changed.</exception>
    public void WriteWithLabels(
        string path, IReadOnlyList<int> labels, string column, params IReadOnlyList<(string Column, IReadOnlyList<double> Values)> further)
    {
        foreach (var count in further.Select(f => f.Values.Count).Prepend(labels.Count))
        {
            if (count != Rows)
            {
                throw new IccArgumentException($"found {count} labels, expected one for each of {Rows} rows");
            }
        }
        AtomicFile.Write(path, output =>
        {
            using var source = RowSource.Open(Path);
            var header = _hasHeader;
            while (source.Next())
            {
                if (header)
                {
                    source.TakeHeader();
                    header = false;
                    continue;
                }
                var row = source.Row <= Rows ? source.Row - 1 : throw Changed();
                source.WriteWith([(column, labels[row]), .. further.Select(f => (f.Column, f.Values[row]))], output);
            }
            if (source.Row < Rows)
            {
                throw Changed();
            }
        });
    }

    private IccFormatException Changed() => new(Path, $"the file has changed: it had {Rows} rows when it was read");
}
