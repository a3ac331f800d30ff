using System.Globalization;
using System.Text;
using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine;

/// <summary>Writes generated episodes to files.</summary>
public static class GeneratedEpisodes
{
    /// <summary>Writes the episodes of a spec, one at a time, to a file that is there whole or not at all.</summary>
    /// <param name="spec">Which episodes: a kind, and what differs from the defaults; see <see cref="EpisodeSpec"/>.</param>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="csv">Write the points of a single episode as a table with a column class, instead of JSON lines.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every episode.</param>
    /// <returns>The spec with every key.</returns>
    /// <exception cref="IccArgumentException">It is no spec, or has several episodes for a table.</exception>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; there is no file.</exception>
    public static EpisodeSpec Write(
        string spec, string path, bool csv = false, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        var parsed = EpisodeSpec.Parse(spec);
        AtomicFile.CheckPlace(path);
        if (csv && parsed.Count != 1)
        {
            throw new IccArgumentException($"data: found {parsed.Count} episodes, expected one for a table (count=1, one c, d and df)");
        }
        if (csv)
        {
            AtomicFile.Write(path, stream => WriteTable(stream, parsed.Generate().Single()));
        }
        else
        {
            EpisodeFile.Write(path, Watched(parsed, progress, cancellation));
        }
        return parsed;
    }

    private static IEnumerable<Episode> Watched(EpisodeSpec spec, IProgress<double>? progress, CancellationToken cancellation)
    {
        var done = 0L;
        foreach (var episode in spec.Generate())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return episode;
            progress?.Report((double)++done / spec.Count);
        }
    }

    private static void WriteTable(Stream stream, Episode episode)
    {
        using var writer = new StreamWriter(stream, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        writer.WriteLine($"{string.Join(',', Enumerable.Range(1, episode.D).Select(j => $"x{j}"))},class");
        for (var i = 0; i < episode.N; i++)
        {
            var row = episode.X.Skip(i * episode.D).Take(episode.D).Select(v => v.ToString("R", CultureInfo.InvariantCulture));
            writer.WriteLine($"{string.Join(',', row)},{episode.Y[i]}");
        }
    }
}
