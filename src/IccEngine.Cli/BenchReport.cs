using System.Globalization;
using System.Text;
using System.Text.Json;

namespace IccEngine.Cli;

/// <summary>Prints benchmark figures: for people, as comma-separated values, or as one JSON object.</summary>
internal static class BenchReport
{
    private static readonly string[] Head = ["name", "size", "median", "min", "max", "unit", "share"];

    public static void WriteTable(BenchmarkReport report, TextWriter output)
    {
        output.WriteLine(report.Machine);
        var rows = report.Results.Select(r => new[] { r.Name, r.Size, Short(r.Median), Short(r.Min), Short(r.Max), r.Unit, Share(r) }).Prepend(Head).ToList();
        var widths = Enumerable.Range(0, Head.Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, c) => c is >= 2 and <= 4 ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]))).TrimEnd());
        }
    }

    public static void WriteCsv(BenchmarkReport report, TextWriter output)
    {
        output.WriteLine("name,size,median,min,max,unit,runs,shareOfPeak,shareOfBandwidth,machine");
        foreach (var r in report.Results)
        {
            string[] cells =
            [
                r.Name, $"\"{r.Size}\"", Whole(r.Median), Whole(r.Min), Whole(r.Max), r.Unit, $"{r.Runs}", Whole(r.ShareOfPeak), Whole(r.ShareOfBandwidth),
                $"\"{report.Machine.Replace("\"", "\"\"", StringComparison.Ordinal)}\"",
            ];
            output.WriteLine(string.Join(',', cells));
        }
    }

    public static void WriteJson(BenchmarkReport report, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("machine", report.Machine);
            if (report is { PeakGflops: { } peak, BandwidthGBs: { } bandwidth })
            {
                json.WriteNumber("peakGflops", peak);
                json.WriteNumber("bandwidthGBs", bandwidth);
            }
            json.WriteStartArray("results");
            foreach (var result in report.Results)
            {
                WriteResult(json, result, report.Machine);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static void WriteResult(Utf8JsonWriter json, BenchmarkResult result, string machine)
    {
        json.WriteStartObject();
        json.WriteString("name", result.Name);
        json.WriteString("size", result.Size);
        json.WriteNumber("median", result.Median);
        json.WriteNumber("min", result.Min);
        json.WriteNumber("max", result.Max);
        json.WriteString("unit", result.Unit);
        json.WriteNumber("runs", result.Runs);
        if (result.ShareOfPeak is { } peak)
        {
            json.WriteNumber("shareOfPeak", peak);
        }
        if (result.ShareOfBandwidth is { } bandwidth)
        {
            json.WriteNumber("shareOfBandwidth", bandwidth);
        }
        json.WriteString("machine", machine);
        json.WriteEndObject();
    }

    private static string Share(BenchmarkResult r) => r switch
    {
        { ShareOfPeak: { } peak } => string.Create(CultureInfo.InvariantCulture, $"{100 * peak:0.0} % of peak"),
        { ShareOfBandwidth: { } bandwidth } => string.Create(CultureInfo.InvariantCulture, $"{100 * bandwidth:0.0} % of bandwidth"),
        _ => "",
    };

    private static string Short(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Whole(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";
}
