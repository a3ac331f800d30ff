using System.Text.Json;
using IccEngine.Core;

namespace IccEngine;

/// <summary>
/// A profile in the trace event format that chrome://tracing and Perfetto load: complete events ("ph": "X") in microseconds, the prefill
/// around runs of operations of one layer, these around the operations.
/// </summary>
public static class ChromeTrace
{
    /// <summary>Writes the file; what stood there is replaced when the new one is whole.</summary>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static void Write(ProfileReport report, string path)
    {
        try
        {
            AtomicFile.Write(path, stream =>
            {
                using var json = new Utf8JsonWriter(stream);
                Write(report, json);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IccFormatException(path, $"cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static void Write(ProfileReport report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteString("model", report.Model);
        json.WriteString("machine", report.Machine);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        var events = report.Events;
        var end = events.Count == 0 ? report.Seconds : Math.Max(report.Seconds, events[^1].StartSeconds + events[^1].Seconds);
        Event(json, $"prefill of {report.Tokens} tokens", "model", 0, end);
        json.WriteEndObject();
        for (var first = 0; first < events.Count;)
        {
            var last = first;
            while (last + 1 < events.Count && events[last + 1].Layer == events[first].Layer)
            {
                last++;
            }
            if (events[first].Layer is { } layer)
            {
                Event(json, $"layer {layer}", "layer", events[first].StartSeconds, events[last].StartSeconds + events[last].Seconds);
                json.WriteEndObject();
            }
            for (; first <= last; first++)
            {
                WriteOperation(json, events[first]);
            }
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteOperation(Utf8JsonWriter json, in ProfileEvent e)
    {
        Event(json, e.Operation, "operation", e.StartSeconds, e.StartSeconds + e.Seconds);
        json.WriteStartObject("args");
        json.WriteNumber("bytes", e.Bytes);
        if (e.Flops > 0)
        {
            json.WriteNumber("flops", e.Flops);
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Begins an event; the caller ends its object.</summary>
    private static void Event(Utf8JsonWriter json, string name, string category, double start, double end)
    {
        // Whole nanoseconds: what touches in time touches in the file, and nothing that is nested sticks out by a rounding.
        var (from, to) = (Math.Round(start * 1e9), Math.Round(end * 1e9));
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("cat", category);
        json.WriteString("ph", "X");
        json.WriteNumber("ts", (decimal)from / 1000);
        json.WriteNumber("dur", (decimal)(to - from) / 1000);
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", 1);
    }
}
