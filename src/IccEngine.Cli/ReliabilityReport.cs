using System.Globalization;
using System.Text.Json;
using IccEngine.InContext;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints how reliable the confidence of a method is.</summary>
internal static class ReliabilityReport
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>A table of confidence against accuracy, where the method gives a confidence.</summary>
    public static void Write(IAnsiConsole console, MethodScores method)
    {
        if (method.Reliability is { } found)
        {
            Write(console, $"confidence of {method.Method}", found);
        }
        if (method.Calibration is { } fitted)
        {
            Write(console, $"the same, calibrated, on the points that it was fitted to", fitted.Reliability);
        }
    }

    /// <summary>Curves that were fitted, as the model's icc.json takes them.</summary>
    public static void WriteCurves(IAnsiConsole console, IReadOnlyList<MethodScores> methods)
    {
        var curves = methods.Select(m => m.Calibration?.Curve).OfType<ConfidenceCurve>().DistinctBy(c => c.Answers).OrderBy(c => c.Answers).ToArray();
        if (curves.Length > 0)
        {
            console.WriteLine($"for icc.json: \"calibration\": {JsonSerializer.Serialize(new { curves }, Names)}");
        }
    }

    private static void Write(IAnsiConsole console, string title, Reliability found)
    {
        var table = new Table().AddColumn("confidence");
        foreach (var name in new[] { "points", "mean confidence %", "accuracy %" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }
        foreach (var bin in found.Bins)
        {
            table.AddRow(
                string.Create(CultureInfo.InvariantCulture, $"{bin.Low:0.0} to {bin.High:0.0}"), $"{bin.Points}", Percent(bin.Confidence), Percent(bin.Accuracy));
        }
        table.AddRow("all", $"{found.Points}", Percent(found.Confidence), Percent(found.Accuracy));
        console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{title}: expected calibration error {100 * found.Ece:0.0} %, Brier score {found.Brier:0.000}"));
        console.Write(table);
    }

    private static string Percent(double? share) => (100 * share)?.ToString("0.0", CultureInfo.InvariantCulture) ?? "";
}
