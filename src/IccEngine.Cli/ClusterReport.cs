using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints a clustered table: for people, or as one JSON object.</summary>
internal static class ClusterReport
{
    private const int MostColumns = 6;
    private const int MostLabels = 200;
    private const int UnbrokenWidth = 10_000;

    /// <param name="result">What was found.</param>
    /// <param name="by">What found it: the model, and where it computed.</param>
    public static void WriteTables(TableClusteringResult result, string by)
    {
        var console = MakeConsole();
        var table = result.Table;
        console.WriteLine($"{table.Path}: {table.Rows} rows, {table.Columns} columns; {by}");
        CountReport.WriteTable(console, result.Result);
        for (var i = 0; i < result.Result.Results.Count; i++)
        {
            var found = result.Result.Results[i];
            console.WriteLine();
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{found.Name}, {found.Seconds:0.00} s"));
            console.Write(Means(table, found));
            if (table.Rows <= MostLabels)
            {
                console.WriteLine($"labels: {string.Join(' ', found.Labels)}");
            }
            if (found.Confidence is { } confidence)
            {
                var (mean, least) = (confidence.Average(), Array.IndexOf(confidence, confidence.Min()));
                var kind = found.Calibrated ? "" : ", not calibrated";
                console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"confidence {mean:0.00} on average of {found.Answers.Count} answers, least {confidence[least]:0.00} at row {least + 1}{kind}"));
            }
            LayerReport.WriteTable(console, found);
            if (result.Metrics?[i] is { } metrics)
            {
                console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"accuracy {100 * metrics.Accuracy:0.0} %, ARI {metrics.Ari:0.000}, NMI {metrics.Nmi:0.000}"));
            }
        }
        foreach (var remark in result.Result.Remarks)
        {
            console.WriteLine($"note: {remark}");
        }
    }

    /// <summary>The terminal; or, where the output goes elsewhere, plain text in lines that are not broken.</summary>
    public static IAnsiConsole MakeConsole()
    {
        var redirected = Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect });
        if (redirected)
        {
            console.Profile.Width = UnbrokenWidth;
        }
        return console;
    }

    /// <param name="result">What was found.</param>
    /// <param name="model">The model that found it, or null.</param>
    /// <param name="device">Where it was computed.</param>
    /// <param name="output">Where to.</param>
    public static void WriteJson(TableClusteringResult result, string? model, string device, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("file", result.Table.Path);
            json.WriteNumber("points", result.Table.Rows);
            json.WriteNumber("features", result.Table.Columns);
            json.WriteNumber("clusters", result.Result.Clusters);
            CountReport.WriteJson(json, result.Result);
            json.WriteString("model", model);
            json.WriteString("device", device);
            json.WriteStartArray("results");
            for (var i = 0; i < result.Result.Results.Count; i++)
            {
                WriteResult(json, result.Result.Results[i], result.Metrics?[i]);
            }
            json.WriteEndArray();
            json.WriteStartArray("remarks");
            foreach (var remark in result.Result.Remarks)
            {
                json.WriteStringValue(remark);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    public static void WriteResult(Utf8JsonWriter json, MethodResult found, LabelMetrics? metrics)
    {
        json.WriteStartObject();
        json.WriteString("method", found.Method);
        LayerReport.WriteJson(json, found);
        json.WriteStartArray("labels");
        foreach (var label in found.Labels)
        {
            json.WriteNumberValue(label);
        }
        json.WriteEndArray();
        WriteAnswers(json, found);
        json.WriteNumber("seconds", Math.Round(found.Seconds, 4));
        if (metrics is null)
        {
            json.WriteNull("metrics");
        }
        else
        {
            json.WriteStartObject("metrics");
            json.WriteNumber("accuracy", metrics.Accuracy);
            json.WriteNumber("ari", metrics.Ari);
            json.WriteNumber("nmi", metrics.Nmi);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <summary>What only the model's answers have.</summary>
    private static void WriteAnswers(Utf8JsonWriter json, MethodResult found)
    {
        if (found.Answers.Count == 0)
        {
            return;
        }
        if (found.Confidence is { } confidence)
        {
            json.WriteStartArray("confidence");
            foreach (var probability in confidence)
            {
                json.WriteNumberValue(Math.Round(probability, 4));
            }
            json.WriteEndArray();
            json.WriteBoolean("calibrated", found.Calibrated);
        }
        json.WriteNumber("unparsed", found.Answers.Count(a => !a.Parsed));
        json.WriteStartArray("answers");
        foreach (var answer in found.Answers)
        {
            json.WriteStartObject();
            json.WriteNumber("log_probability", answer.LogProbability);
            if (answer.Text is { } text)
            {
                json.WriteString("text", text);
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>Size of every cluster and the mean of its columns.</summary>
    private static Spectre.Console.Table Means(Formats.Table table, MethodResult found)
    {
        var shown = Math.Min(table.Columns, MostColumns);
        var view = new Spectre.Console.Table().AddColumns("cluster", "rows");
        for (var c = 0; c < shown; c++)
        {
            view.AddColumn(new TableColumn($"mean {Markup.Escape(table.ColumnNames[c])}").RightAligned());
        }
        foreach (var cluster in found.Labels.Distinct().Order())
        {
            var rows = Enumerable.Range(0, table.Rows).Where(i => found.Labels[i] == cluster).ToArray();
            view.AddRow(
            [
                $"{cluster}", $"{rows.Length}",
                .. Enumerable.Range(0, shown).Select(c => rows.Average(i => table.Row(i)[c]).ToString("G4", CultureInfo.InvariantCulture)),
            ]);
        }
        return view;
    }
}
