using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>A column of a table of the paper: the cells that it is the mean of.</summary>
/// <param name="Name">What stands above it.</param>
/// <param name="C">Number of clusters; null: any.</param>
/// <param name="D">Number of columns; null: any.</param>
/// <param name="Df">Degrees of freedom; null: any.</param>
public sealed record PaperColumn(string Name, int? C = null, int? D = null, double? Df = null)
{
    /// <summary>Whether a cell belongs to the column.</summary>
    internal bool Has(EvaluationCell cell) => (C ?? cell.C) == cell.C && (D ?? cell.D) == cell.D && (Df is null || Df == cell.Df);
}

/// <summary>A number of a table, and how far it may be off.</summary>
/// <param name="Accuracy">0 to 1; null: none.</param>
/// <param name="Spread">Standard error of the accuracy, or in a table of orders the deviation over these; null: not known.</param>
public sealed record PaperValue(double? Accuracy, double? Spread = null);

/// <summary>A row of a table of the paper.</summary>
/// <param name="Name">The method.</param>
/// <param name="Values">One for each column.</param>
public sealed record PaperRow(string Name, IReadOnlyList<PaperValue> Values);

/// <summary>
/// A table of the paper: which episodes it is about, and its figures. They stand in paper-tables.json inside the assembly, which names their
/// source.
/// </summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Episodes">Spec of episodes like the paper's, which are not published.</param>
/// <param name="Orders">Orders in which each episode is clustered.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Rows">The paper's figures.</param>
public sealed record PaperTable(
    string Name, string Title, string Episodes, int Orders, IReadOnlyList<PaperColumn> Columns, IReadOnlyList<PaperRow> Rows)
{
    /// <summary>All tables.</summary>
    public static IReadOnlyList<PaperTable> All { get; } = Load();

    /// <summary>The table of a name.</summary>
    /// <exception cref="IccArgumentException">There is none; the message lists the names.</exception>
    public static PaperTable Find(string name) =>
        All.FirstOrDefault(t => t.Name == name)
        ?? throw new IccArgumentException($"paper: found '{name.ReplaceLineEndings(" ")}', expected one of {string.Join(", ", All.Select(t => t.Name))}");

    /// <summary>The row of a method: for each column the mean over its cells.</summary>
    public PaperRow RowOf(MethodScores scores) => new(scores.Method, [.. Columns.Select(column =>
    {
        var cells = scores.Cells.Where(c => column.Has(c.Cell) && c.Score.Accuracy is not null).Select(c => c.Score).ToArray();
        if (cells.Length == 0)
        {
            return new PaperValue(null);
        }
        double? error = Orders > 1
            ? cells.Average(s => s.OrderDeviation)
            : cells.Any(s => s.StandardError is null) ? null : Math.Sqrt(cells.Sum(s => Math.Pow(s.StandardError!.Value, 2))) / cells.Length;
        return new PaperValue(cells.Average(s => s.Accuracy!.Value), error);
    })]);

    private static PaperTable[] Load()
    {
        using var stream = typeof(PaperTable).Assembly.GetManifestResourceStream("paper-tables.json")
            ?? throw new InvalidOperationException("the program was built without its resource paper-tables.json");
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.GetProperty("tables").Deserialize<PaperTable[]>(EvaluationRecord.Json)!;
    }
}
