using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>The rows of a table file, one after the other, as the texts of their fields.</summary>
internal abstract class RowSource(string path) : IDisposable
{
    /// <summary>The file's characters.</summary>
    protected GuardedReader Reader { get; } = new(path);

    /// <summary>Path of the file.</summary>
    public string Path => path;

    /// <summary>The kind of file.</summary>
    public abstract TableFormat Format { get; }

    /// <summary>The fields of the row that <see cref="Next"/> read.</summary>
    public string[] Fields { get; protected set; } = [];

    /// <summary>Number of the row, counted from 1, without the header.</summary>
    public int Row { get; protected set; }

    /// <summary>Names of the columns; null as long as the file has none.</summary>
    public string[]? Names { get; protected set; }

    /// <summary>Opens a file by its extension; other extensions are decided by the first line.</summary>
    public static RowSource Open(string path)
    {
        switch (System.IO.Path.GetExtension(path).ToLowerInvariant())
        {
            case ".csv":
                return new DelimitedRows(path, ',');
            case ".tsv" or ".tab":
                return new DelimitedRows(path, '\t');
            case ".jsonl" or ".ndjson":
                return new JsonRows(path);
            default:
                var line = FirstLine(path);
                return line.AsSpan().TrimStart() is ['{' or '[', ..] ? new JsonRows(path) : new DelimitedRows(path, Delimiter(line));
        }
    }

    /// <summary>Reads the next row; false at the end.</summary>
    /// <exception cref="IccFormatException">The row is malformed.</exception>
    public abstract bool Next();

    /// <summary>For delimited files: takes the current row as the names of the columns.</summary>
    public virtual void TakeHeader() => throw new InvalidOperationException("this format names columns itself");

    /// <summary>The text of a field that is a label.</summary>
    public virtual string Label(int column) => Fields[column];

    /// <summary>The current row with further fields at its end.</summary>
    /// <param name="fields">Names of the further columns, and their values in this row.</param>
    /// <param name="output">Where to write.</param>
    public abstract void WriteWith(IReadOnlyList<(string Column, double Value)> fields, Stream output);

    /// <inheritdoc/>
    public virtual void Dispose() => Reader.Dispose();

    /// <summary>The error for the current row.</summary>
    public IccFormatException Error(string message, string? column = null, Exception? inner = null) =>
        new(Path, $"row {Row}{(column is null ? "" : $", column '{column.ReplaceLineEndings(" ")}'")}: {message}", inner);

    private static string FirstLine(string path)
    {
        using var reader = new GuardedReader(path);
        for (var line = reader.ReadLine(); line is not null; line = reader.ReadLine())
        {
            if (line.Trim().Length > 0)
            {
                return line;
            }
        }
        return "";
    }

    private static char Delimiter(string line)
    {
        var quoted = false;
        var outside = new StringBuilder();
        foreach (var c in line)
        {
            quoted ^= c == '"';
            outside.Append(quoted ? ' ' : c);
        }
        var text = outside.ToString();
        // The first of those that occur most often, so that a comma wins where there is none.
        return new[] { ',', ';', '\t' }.MaxBy(d => text.Count(c => c == d));
    }
}
