using System.Globalization;
using System.Text.Json;
using IccEngine.InContext;
using Spectre.Console;

namespace IccEngine.Cli;

/// <summary>Prints the numbers of clusters that were tried, where the number was estimated.</summary>
internal static class CountReport
{
    private static readonly (string Name, string Key, Func<CountCandidate, double?> Value)[] Criteria =
    [
        ("eigengap", "eigengap", c => c.Eigengap),
        ("silhouette of embedding", "embedding_silhouette", c => c.EmbeddingSilhouette),
        ("silhouette of points", "point_silhouette", c => c.PointSilhouette),
        ("log-probability per label", "log_probability", c => c.LogProbability),
        ("score", "score", c => c.Score),
        ("probability", "probability", c => c.Probability),
    ];

    /// <summary>A row a candidate, the chosen one marked, with the criteria that there are.</summary>
    public static void WriteTable(IAnsiConsole console, ClusterResult result)
    {
        if (result.Candidates.Count == 0)
        {
            return;
        }
        console.WriteLine($"number of clusters: {result.Clusters}, estimated");
        var shown = Criteria.Where(c => result.Candidates.Any(k => c.Value(k) is not null)).ToArray();
        var view = new Table().AddColumn("clusters");
        foreach (var (name, _, _) in shown)
        {
            view.AddColumn(new TableColumn(name).RightAligned());
        }
        view.AddColumn("");
        foreach (var candidate in result.Candidates)
        {
            view.AddRow(
            [
                $"{candidate.NClusters}",
                .. shown.Select(c => c.Value(candidate)?.ToString("0.000", CultureInfo.InvariantCulture) ?? ""),
                candidate.NClusters == result.Clusters ? "chosen" : "",
            ]);
        }
        console.Write(view);
    }

    /// <summary>candidates, where the number was estimated.</summary>
    public static void WriteJson(Utf8JsonWriter json, ClusterResult result)
    {
        if (result.Candidates.Count == 0)
        {
            return;
        }
        json.WriteStartArray("candidates");
        foreach (var candidate in result.Candidates)
        {
            json.WriteStartObject();
            json.WriteNumber("clusters", candidate.NClusters);
            foreach (var (_, key, value) in Criteria)
            {
                if (value(candidate) is { } number)
                {
                    json.WriteNumber(key, number);
                }
                else
                {
                    json.WriteNull(key);
                }
            }
            json.WriteBoolean("chosen", candidate.NClusters == result.Clusters);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
