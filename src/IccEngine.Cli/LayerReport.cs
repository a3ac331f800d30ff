using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints which layers were read, and how clearly each of them shows clusters.</summary>
internal static class LayerReport
{
    /// <summary>layer; of several also last_layer, of one head also head; and layers, where they were scored.</summary>
    public static void WriteJson(Utf8JsonWriter json, MethodResult found)
    {
        if (found.Layer is { } layer)
        {
            json.WriteNumber("layer", layer);
        }
        else
        {
            json.WriteNull("layer");
        }
        if (found.LastLayer != found.Layer)
        {
            json.WriteNumber("last_layer", found.LastLayer!.Value);
        }
        if (found.Head is { } head)
        {
            json.WriteNumber("head", head);
        }
        if (found.LayerScores.Count == 0)
        {
            return;
        }
        json.WriteStartArray("layers");
        foreach (var score in found.LayerScores)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", score.Layer);
            if (score.Head is { } h)
            {
                json.WriteNumber("head", h);
            }
            json.WriteNumber("reproducibility", score.Reproducibility);
            json.WriteNumber("eigengap", score.Eigengap);
            json.WriteNumber("modularity", score.Modularity);
            json.WriteNumber("silhouette", score.Silhouette);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>A row a layer and, where they were scored, a row a head.</summary>
    public static void WriteTable(IAnsiConsole console, MethodResult found)
    {
        if (found.LayerScores.Count == 0)
        {
            return;
        }
        var view = new Table().AddColumns("layer", "head", "reproducibility", "eigengap", "modularity", "silhouette");
        foreach (var score in found.LayerScores)
        {
            double[] numbers = [score.Reproducibility, score.Eigengap, score.Modularity, score.Silhouette];
            view.AddRow([$"{score.Layer}", (score.Head ?? found.Head) is { } head ? $"{head}" : "mean", .. numbers.Select(v => v.ToString("0.000", CultureInfo.InvariantCulture))]);
        }
        console.Write(view);
    }
}
