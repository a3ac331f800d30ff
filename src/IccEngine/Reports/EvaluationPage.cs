using System.Globalization;
using System.Xml.Linq;
using IccEngine.InContext;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>The page of an evaluation.</summary>
internal static class EvaluationPage
{
    private const int MostRowsDrawn = 60;
    private const int MostDfDrawn = 14;

    /// <summary>The page.</summary>
    public static HtmlPage Build(EvaluationResult result)
    {
        var (setting, methods) = (result.Setting, result.Methods);
        var page = new HtmlPage("Evaluation", string.Join("; ", new[]
        {
            setting.Data, $"{setting.Model} on {setting.Device}", setting.Adapter is { } adapter ? $"adapter {adapter}" : null,
            setting.Permutations is { } orders ? $"{orders} orders" : null, $"seed {setting.Seed}",
        }.Where(part => part is not null)));
        page.Add(Section("Accuracy", Of("div", "plots", [.. Charts(result, page)])));
        page.Add(Section("Overall", Overall(methods)));
        if (result.Paper is { } paper)
        {
            page.Add(Section("Beside the paper", Paper(methods, paper)));
        }
        page.Add(Section("Cells", Cells(methods)));
        XElement[] reliability = [.. methods.SelectMany(Confidences)];
        page.Add(reliability.Length == 0 ? null : Section("Confidence", reliability));
        foreach (var method in methods.Where(m => m.Failure is not null))
        {
            page.Note($"{method.Method} gave no labels in {method.Overall.Failed} runs, which are left out of its means: {method.Failure}");
        }
        return page;
    }

    private static IEnumerable<XElement> Charts(EvaluationResult result, HtmlPage page)
    {
        if (result.Paper is { } paper)
        {
            int[] columns = [.. Enumerable.Range(0, paper.Columns.Count).Where(i => paper.Columns[i] is not { C: null, D: null, Df: null })];
            columns = columns.Length == 0 ? [.. Enumerable.Range(0, paper.Columns.Count)] : columns;
            AccuracySeries Row(PaperRow row, bool ofPaper) => new(ofPaper ? $"paper: {row.Name}" : row.Name, ofPaper,
                [.. columns.Select(c => (row.Values[c].Accuracy, row.Values[c].Spread))]);
            var byNoise = columns.All(c => paper.Columns[c].Df is not null);
            var chart = new AccuracyChart(paper.Title, byNoise ? "degrees of freedom (fewer: heavier tails)" : "", [.. columns.Select(c => paper.Columns[c].Name)],
                [.. result.Methods.Select(m => Row(paper.RowOf(m), false)), .. paper.Rows.Select(r => Row(r, true))]);
            yield return byNoise ? chart.Lines() : chart.Rows();
            yield break;
        }
        var cells = result.Methods[0].Cells.Select(c => c.Cell).ToArray();
        double[] dfs = [.. cells.Select(c => c.Df).OfType<double>().Distinct().Order()];
        if (dfs.Length is >= 2 and <= MostDfDrawn)
        {
            yield return new AccuracyChart("Accuracy by the noise", "degrees of freedom (fewer: heavier tails)", [.. dfs.Select(d => d.ToString(CultureInfo.InvariantCulture))],
                [.. result.Methods.Select(m => new AccuracySeries(m.Method, false, [.. dfs.Select(d => Mean(m.Cells.Where(c => c.Cell.Df == d)))]))]).Lines();
        }
        if (cells.Length > dfs.Length || dfs.Length is < 2 or > MostDfDrawn)
        {
            var drawn = Math.Min(cells.Length, MostRowsDrawn);
            if (drawn < cells.Length)
            {
                page.Note($"The first {drawn} of {cells.Length} cells are drawn; the table has them all.");
            }
            yield return new AccuracyChart("Accuracy by cell", "", [.. cells.Take(drawn).Select(c => c.ToString())],
                [.. result.Methods.Select(m => new AccuracySeries(m.Method, false, [.. m.Cells.Take(drawn).Select(c => (c.Score.Accuracy, c.Score.StandardError))]))]).Rows();
        }
    }

    /// <summary>Mean over cells, and its standard error.</summary>
    private static (double? Accuracy, double? Error) Mean(IEnumerable<CellScore> cells)
    {
        Score[] scores = [.. cells.Select(c => c.Score).Where(s => s.Accuracy is not null)];
        return scores.Length == 0 ? (null, null) : (scores.Average(s => s.Accuracy),
            scores.Any(s => s.StandardError is null) ? null : Math.Sqrt(scores.Sum(s => s.StandardError!.Value * s.StandardError.Value)) / scores.Length);
    }

    private static XElement Cells(IReadOnlyList<MethodScores> methods) => Table(
        "Accuracy in % ± its standard error; bold: the best of a cell", ["cell", "episodes", .. methods.Select(m => m.Method)],
        methods[0].Cells.Select((first, i) =>
        {
            var best = methods.Max(m => m.Cells[i].Score.Accuracy);
            return new object[] { Foreign(first.Cell.ToString(), 80), $"{first.Score.Episodes}" }.Concat(methods.Select(m => m.Cells[i].Score).Select(
                s => Of(s.Accuracy == best && methods.Count > 1 ? "strong" : "span", null, Accuracy(s.Accuracy, s.StandardError))));
        }), "numbers");

    private static XElement Overall(IReadOnlyList<MethodScores> methods) => Table(
        "All episodes; accuracy in % ± its standard error",
        ["method", "episodes", "accuracy", $"against {methods[0].Method}", "ARI", "NMI", "unparsed", "failed", "seconds", "tokens/s"],
        methods.Select((m, i) => new object[]
        {
            Of("span", null, Marks.Inline(i), $" {m.Method}"), $"{m.Overall.Episodes}", Accuracy(m.Overall.Accuracy, m.Overall.StandardError),
            i == 0 ? "" : Accuracy(m.Difference.Accuracy, m.Difference.StandardError), Number(m.Overall.Ari, "0.000"), Number(m.Overall.Nmi, "0.000"),
            $"{m.Overall.Unparsed}", $"{m.Overall.Failed}", Number(m.Overall.Seconds, "0.0"), Number(m.Overall.TokensPerSecond, "0"),
        }), "numbers");

    /// <summary>The confidence of a method against the share of points that are right, as it is and, where a curve was fitted, by that.</summary>
    private static IEnumerable<XElement> Confidences(MethodScores method) =>
        from found in new[] { (method.Method, method.Reliability), ($"{method.Method}, calibrated on these points", method.Calibration?.Reliability) }
        where found.Item2 is not null
        select Confidence(found.Item1, found.Item2);

    private static XElement Confidence(string name, Reliability found) => Table(
        $"{name}: in %; expected calibration error {Show(100 * found.Ece, "0.0")} %, Brier score {Show(found.Brier, "0.000")}",
        ["confidence", "points", "mean confidence", "right"],
        [
            .. found.Bins.Select(b => new object[] { $"{Show(b.Low, "0.0")} to {Show(b.High, "0.0")}", $"{b.Points}", Number(100 * b.Confidence, "0.0"), Number(100 * b.Accuracy, "0.0") }),
            ["all", $"{found.Points}", Show(100 * found.Confidence, "0.0"), Show(100 * found.Accuracy, "0.0")],
        ],
        "numbers");

    private static XElement Paper(IReadOnlyList<MethodScores> methods, PaperTable paper) => Table(
        $"{paper.Title}; in %, {(paper.Orders > 1 ? "deviation over the orders" : "± standard error")}", ["method", .. paper.Columns.Select(c => c.Name)],
        methods.Select(paper.RowOf).Select(row => (row.Name, row.Values)).Concat(paper.Rows.Select(row => ($"paper: {row.Name}", row.Values)))
            .Select(row => new object[] { row.Item1 }.Concat(row.Values.Select(v => Accuracy(v.Accuracy, v.Spread)))), "numbers");

    private static string Accuracy(double? accuracy, double? error) =>
        accuracy is null ? "" : Number(100 * accuracy, "0.0") + (error is null ? "" : $" ± {Number(100 * error, "0.0")}");

    private static string Number(double? value, string format) => value is { } number ? Show(number, format) : "";
}
