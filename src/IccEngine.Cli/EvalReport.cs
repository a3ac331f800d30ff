using System.Globalization;
using IccEngine.InContext;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints an evaluation as tables.</summary>
internal static class EvalReport
{
    public static void Write(EvaluationResult result)
    {
        var console = ClusterReport.MakeConsole();
        var setting = result.Setting;
        console.WriteLine($"{setting.Data}; {setting.Model} on {setting.Device}");
        if (result.Paper is null)
        {
            console.WriteLine("accuracy in % ± standard error");
            console.Write(Cells(result.Methods));
        }
        else
        {
            console.WriteLine($"{result.Paper.Title}; in %, {(result.Paper.Orders > 1 ? "deviation over the orders" : "± standard error")}");
            console.Write(Paper(result));
        }
        console.Write(Overall(result.Methods));
        if (setting.Clusters is { } range)
        {
            console.WriteLine($"number of clusters: estimated from {range}; {Commonest(result.Methods[0])}");
            console.Write(Counts(result.Methods));
        }
        foreach (var method in result.Methods)
        {
            ReliabilityReport.Write(console, method);
        }
        ReliabilityReport.WriteCurves(console, result.Methods);
        foreach (var method in result.Methods.Where(m => m.Failure is not null))
        {
            console.WriteLine($"note: {method.Method} gave no labels in {method.Overall.Failed} runs, which are left out of its means: {method.Failure}");
        }
    }

    private static Table Cells(IReadOnlyList<MethodScores> methods)
    {
        var table = new Table().AddColumn("cell").AddColumn(new TableColumn("episodes").RightAligned());
        foreach (var method in methods)
        {
            table.AddColumn(new TableColumn(Markup.Escape(method.Method)).RightAligned());
        }
        for (var i = 0; i < methods[0].Cells.Count; i++)
        {
            var (cell, score) = methods[0].Cells[i];
            table.AddRow(
            [
                Markup.Escape(cell.ToString()), $"{score.Episodes}",
                .. methods.Select(m => Show(m.Cells[i].Score.Accuracy, m.Cells[i].Score.StandardError)),
            ]);
        }
        return table;
    }

    /// <summary>What always saying the same number would get right.</summary>
    private static string Commonest(MethodScores method)
    {
        var numbers = method.Cells.GroupBy(c => c.Cell.C, c => c.Score.Episodes).Select(g => (Clusters: g.Key, Episodes: g.Sum())).ToArray();
        var (clusters, episodes) = numbers.OrderBy(n => n.Clusters).MaxBy(n => n.Episodes);
        var share = (double)episodes / Math.Max(1, numbers.Sum(n => n.Episodes));
        return $"always {clusters}, the commonest, would be right in {Show(100 * share, "0.0")} % of the episodes";
    }

    /// <summary>How often the number of clusters was right, by the true one.</summary>
    private static Table Counts(IReadOnlyList<MethodScores> methods)
    {
        int[] numbers = [.. methods[0].Cells.Select(c => c.Cell.C).Distinct().Order()];
        var table = new Table().AddColumn("number right, %").AddColumn(new TableColumn("all").RightAligned());
        foreach (var number in numbers)
        {
            table.AddColumn(new TableColumn($"c={number}").RightAligned());
        }
        foreach (var method in methods)
        {
            var (share, n) = (method.Overall.RightClusters, method.Overall.Episodes);
            table.AddRow(
            [
                Markup.Escape(method.Method), Show(share, share is { } p && n > 1 ? Math.Sqrt(p * (1 - p) / (n - 1)) : null),
                .. numbers.Select(number => method.Cells.Where(c => c.Cell.C == number && c.Score.RightClusters is not null).ToArray())
                    .Select(cells => cells.Length == 0 ? "" : Show(cells.Sum(c => c.Score.RightClusters * c.Score.Episodes) / cells.Sum(c => c.Score.Episodes), (double?)null)),
            ]);
        }
        return table;
    }

    private static Table Paper(EvaluationResult result)
    {
        var (paper, table) = (result.Paper!, new Table().AddColumn("method"));
        foreach (var column in paper.Columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column.Name)).RightAligned());
        }
        foreach (var row in result.Methods.Select(paper.RowOf))
        {
            table.AddRow([Markup.Escape(row.Name), .. row.Values.Select(v => Show(v.Accuracy, v.Spread))]);
        }
        foreach (var row in paper.Rows)
        {
            table.AddRow([$"paper: {Markup.Escape(row.Name)}", .. row.Values.Select(v => Show(v.Accuracy, v.Spread))]);
        }
        return table;
    }

    private static Table Overall(IReadOnlyList<MethodScores> methods)
    {
        var table = new Table();
        foreach (var name in new[] { "overall", "episodes", "accuracy %", $"against {methods[0].Method}", "ARI", "NMI", "unparsed", "failed", "seconds", "tokens/s" })
        {
            table.AddColumn(name == "overall" ? new TableColumn(name) : new TableColumn(Markup.Escape(name)).RightAligned());
        }
        foreach (var (name, score, difference) in methods.Select(m => (m.Method, m.Overall, m.Difference)))
        {
            table.AddRow(
                Markup.Escape(name), $"{score.Episodes}", Show(score.Accuracy, score.StandardError),
                name == methods[0].Method ? "" : Show(difference.Accuracy, difference.StandardError), Show(score.Ari, "0.000"), Show(score.Nmi, "0.000"),
                $"{score.Unparsed}", $"{score.Failed}", Show(score.Seconds, "0.0"), Show(score.TokensPerSecond, "0"));
        }
        return table;
    }

    private static string Show(double? accuracy, double? error) => accuracy is null
        ? ""
        : Show(100 * accuracy, "0.0") + (error is null ? "" : $" ± {Show(100 * error, "0.0")}");

    private static string Show(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
