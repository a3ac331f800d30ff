namespace IccEngine.Formats;

/// <summary>Which columns of a table to read.</summary>
public sealed record TableOptions
{
    /// <summary>Columns of numbers, by name or by number counted from 1; null for all but the label column.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>The column with the true classes, by name or by number counted from 1; may be text. Null for none.</summary>
    public string? LabelColumn { get; init; }
}

/// <summary>The kinds of table files.</summary>
public enum TableFormat
{
    /// <summary>Fields separated by commas or semicolons (RFC 4180).</summary>
    Csv,
    /// <summary>Fields separated by tabs.</summary>
    Tsv,
    /// <summary>A JSON object or array on each line.</summary>
    Jsonl,
}
