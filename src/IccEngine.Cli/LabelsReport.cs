using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints the clusters of points that have no columns: of a matrix, or texts.</summary>
internal static class LabelsReport
{
    private const int MostLabels = 200;

    /// <summary>Sizes of the clusters, and the labels where there are few.</summary>
    public static void WriteLines(ClusterResult result, string title, int points)
    {
        var console = ClusterReport.MakeConsole();
        console.WriteLine(title);
        CountReport.WriteTable(console, result);
        foreach (var found in result.Results)
        {
            console.WriteLine();
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{found.Name}, {found.Seconds:0.00} s"));
            var sizes = found.Labels.CountBy(l => l).OrderBy(s => s.Key).Select(s => $"{s.Key}: {s.Value}");
            console.WriteLine($"sizes: {string.Join(", ", sizes)}");
            if (points <= MostLabels)
            {
                console.WriteLine($"labels: {string.Join(' ', found.Labels)}");
            }
            if (found.Confidence is { } confidence)
            {
                console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"confidence {confidence.Average():0.00} on average of {found.Answers.Count} answers{(found.Calibrated ? "" : ", not calibrated")}"));
            }
            LayerReport.WriteTable(console, found);
        }
        foreach (var remark in result.Remarks)
        {
            console.WriteLine($"note: {remark}");
        }
    }

    /// <summary>One JSON object: what <paramref name="head"/> writes, then clusters, results and remarks as icc cluster has them.</summary>
    public static void WriteJson(ClusterResult result, TextWriter output, Action<Utf8JsonWriter> head)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            head(json);
            json.WriteNumber("clusters", result.Clusters);
            CountReport.WriteJson(json, result);
            json.WriteStartArray("results");
            foreach (var found in result.Results)
            {
                ClusterReport.WriteResult(json, found, null);
            }
            json.WriteEndArray();
            json.WriteStartArray("remarks");
            foreach (var remark in result.Remarks)
            {
                json.WriteStringValue(remark);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }
}
