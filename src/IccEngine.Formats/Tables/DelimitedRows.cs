using System.Globalization;
using CsvHelper;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>The rows of a CSV or TSV file (RFC 4180): quotes, doubled quotes, line breaks in quotes, any of the three line ends.</summary>
internal sealed class DelimitedRows : RowSource
{
    /// <summary>Largest row in bytes.</summary>
    public const int MaxRowBytes = 1 << 22;

    private readonly char _delimiter;
    private readonly CsvReader _csv;
    private int? _width;
    private bool _blank;
    private CsvWriter? _writer;

    /// <summary>Opens the file.</summary>
    public DelimitedRows(string path, char delimiter) : base(path)
    {
        _delimiter = delimiter;
        _csv = CsvReader.Create(Reader, new CsvReaderOptions
        {
            Separator = delimiter,
            HasHeader = false,
            SkipEmptyLines = false,
            MalformedData = CsvMalformedDataHandling.Throw,
            MaxRecordSize = MaxRowBytes,
        });
    }

    /// <inheritdoc/>
    public override TableFormat Format => _delimiter == '\t' ? TableFormat.Tsv : TableFormat.Csv;

    /// <inheritdoc/>
    public override bool Next()
    {
        Row++;
        try
        {
            if (ReadRecord())
            {
                return true;
            }
            Row--;
            return false;
        }
        catch (CsvFormatException e)
        {
            throw Error(e.Message.ReplaceLineEndings(" "), inner: e);
        }
    }

    /// <inheritdoc/>
    public override void TakeHeader()
    {
        var names = new string[Fields.Length];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < names.Length; i++)
        {
            var name = Fields[i].Trim();
            names[i] = name.Length > 0 ? name : $"{i + 1}";
            if (!seen.Add(names[i]))
            {
                throw new IccFormatException(Path, $"header: column '{names[i].ReplaceLineEndings(" ")}' is there twice");
            }
        }
        Names = names;
        Row = 0;
    }

    /// <inheritdoc/>
    public override void WriteWith(IReadOnlyList<(string Column, double Value)> fields, Stream output)
    {
        if (Row == 1 && Names is not null)
        {
            if (fields.FirstOrDefault(f => Names.Contains(f.Column)).Column is { } column)
            {
                throw new IccArgumentException($"{Path}: there is a column '{column}' already");
            }
            WriteFields([.. Names, .. fields.Select(f => f.Column)], output);
        }
        WriteFields([.. Fields, .. fields.Select(f => f.Value.ToString(CultureInfo.InvariantCulture))], output);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _writer?.Dispose();
        _csv.Dispose();
        base.Dispose();
    }

    private bool ReadRecord()
    {
        while (_csv.Read())
        {
            Reader.RowTaken();
            if (_csv.RawRecord.IndexOfAnyExcept(" \t"u8) >= 0 || _delimiter == '\t' && _csv.FieldCount > 1)
            {
                return Accept(_csv.Current.ToArray());
            }
            _blank = true;
        }
        return false;
    }

    private bool Accept(string[] fields)
    {
        // With one column a blank line is a row without a value; the blank lines at the end of the file are none.
        if (_blank && _width == 1)
        {
            throw Error("found an empty line, expected a value (missing values are not filled in)");
        }
        _blank = false;
        _width ??= fields.Length;
        if (fields.Length != _width)
        {
            throw Error($"found {fields.Length} fields, expected {_width}");
        }
        Fields = fields;
        return true;
    }

    private void WriteFields(string[] fields, Stream output)
    {
        _writer ??= CsvWriter.Create(output, new CsvWriterOptions { Separator = _delimiter, NewLine = "\n" }, leaveOpen: true);
        foreach (var field in fields)
        {
            _writer.WriteField(field);
        }
        _writer.EndRecord();
    }
}
