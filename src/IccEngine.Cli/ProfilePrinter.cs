using System.Globalization;
using System.Text;
using System.Text.Json;

namespace IccEngine.Cli;

/// <summary>Prints a profile: as tables, or as one JSON object.</summary>
internal static class ProfilePrinter
{
    public static void WriteTables(ProfileReport report, TextWriter output)
    {
        output.WriteLine($"{report.Model}: prefill of {report.Tokens} tokens, {Taps(report)}, on {report.Machine}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{1000 * report.Seconds:0.00} ms, {report.Tokens / report.Seconds:0} tokens/s; {report.Events.Count} operations"));
        output.WriteLine();
        WriteRows("operation", report.ByOperation(), report.Seconds, output);
        output.WriteLine();
        WriteRows("layer", report.ByLayer(), report.Seconds, output);
        output.WriteLine();
        var rows = new List<string[]> { new[] { "memory", "MB", "allocations" } };
        rows.AddRange(report.Memory.Select(m => new[] { m.Name, Number(m.Bytes / 1e6), $"{m.Allocations}" }));
        if (report.PeakBytes is { } peak)
        {
            rows.Add(["peak resident, whole process", Number(peak / 1e6), ""]);
        }
        Write(rows, output);
    }

    public static void WriteJson(ProfileReport report, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model", report.Model);
            json.WriteString("machine", report.Machine);
            json.WriteNumber("tokens", report.Tokens);
            json.WriteNumber("spans", report.Spans);
            json.WriteNumber("seconds", report.Seconds);
            WriteRows(json, "operations", report.ByOperation());
            WriteRows(json, "layers", report.ByLayer());
            json.WriteStartArray("memory");
            foreach (var memory in report.Memory)
            {
                json.WriteStartObject();
                json.WriteString("name", memory.Name);
                json.WriteNumber("bytes", memory.Bytes);
                json.WriteNumber("allocations", memory.Allocations);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            if (report.PeakBytes is { } peak)
            {
                json.WriteNumber("peakResidentBytes", peak);
            }
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static void WriteRows(Utf8JsonWriter json, string name, IReadOnlyList<ProfileRow> rows)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("name", row.Name);
            json.WriteNumber("calls", row.Calls);
            json.WriteNumber("seconds", row.Seconds);
            json.WriteNumber("flops", row.Flops);
            json.WriteNumber("bytes", row.Bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteRows(string kind, IReadOnlyList<ProfileRow> rows, double whole, TextWriter output)
    {
        var between = whole - rows.Sum(r => r.Seconds);
        Write(
            [
                [kind, "ms", "share", "calls", "GFLOP/s", "GB/s", "MB"],
                .. rows.Select(r => new[]
                {
                    r.Name, Number(1000 * r.Seconds), Percent(r.Seconds / whole), $"{r.Calls}", r.Flops > 0 ? Number(r.Flops / r.Seconds / 1e9) : "",
                    Number(r.Bytes / r.Seconds / 1e9), Number(r.Bytes / 1e6),
                }),
                ["between operations", Number(1000 * between), Percent(between / whole), "", "", "", ""],
            ],
            output);
    }

    private static void Write(IReadOnlyList<string[]> rows, TextWriter output)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(c => rows.Max(r => r[c].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, c) => c == 0 ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).TrimEnd());
        }
    }

    private static string Taps(ProfileReport report) => report.Spans == 0 ? "no taps" : $"{report.Spans} spans in all layers";

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
