using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// Files of episodes: JSON lines, an object each with <c>c</c>, <c>d</c>, <c>x</c> (n rows of d numbers) and <c>y</c> (n labels), and where they
/// are known <c>df</c>, <c>dist</c>, <c>seed</c>, <c>set</c>, <c>perms</c>. Other keys are passed over. Read and written one line at a time.
/// </summary>
public static class EpisodeFile
{
    /// <summary>Longest line in characters.</summary>
    internal const int MaxLineLength = 1 << 25;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>Reads the episodes of a file, each when it is asked for.</summary>
    /// <param name="path">The file, UTF-8.</param>
    /// <exception cref="IccFormatException">It cannot be read, or a line is no episode; the message names the line. Thrown while the episodes are
    /// taken, the first time before the first of them.</exception>
    public static IEnumerable<Episode> Read(string path)
    {
        var number = 0L;
        foreach (var line in EpisodeLines.Read(path, MaxLineLength))
        {
            number++;
            if (!line.AsSpan().IsWhiteSpace())
            {
                yield return Parse(path, number, line);
            }
        }
    }

    /// <summary>Writes episodes to a file, which is there whole or not at all.</summary>
    /// <param name="path">The file; its folder has to exist.</param>
    /// <param name="episodes">Taken one after the other.</param>
    /// <returns>How many were written.</returns>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public static long Write(string path, IEnumerable<Episode> episodes)
    {
        var count = 0L;
        AtomicFile.Write(path, stream => count = Write(stream, episodes));
        return count;
    }

    /// <summary>Writes episodes to a stream, which stays open.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="episodes">Taken one after the other.</param>
    /// <returns>How many were written.</returns>
    public static long Write(Stream stream, IEnumerable<Episode> episodes)
    {
        var count = 0L;
        foreach (var episode in episodes)
        {
            WriteLine(stream, episode);
            count++;
        }
        return count;
    }

    private static void WriteLine(Stream stream, Episode episode)
    {
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (episode.Set is { } set)
            {
                json.WriteString("set", set);
            }
            json.WriteNumber("c", episode.NClusters);
            json.WriteNumber("d", episode.D);
            if (episode.Df is { } df)
            {
                json.WriteNumber("df", df);
            }
            else if (episode.Set is null)
            {
                json.WriteNull("df");
            }
            if (episode.Seed is { } seed)
            {
                json.WriteNumber("seed", seed);
            }
            json.WriteStartArray("x");
            for (var i = 0; i < episode.N; i++)
            {
                json.WriteStartArray();
                for (var j = 0; j < episode.D; j++)
                {
                    json.WriteNumberValue(episode.X[i * episode.D + j]);
                }
                json.WriteEndArray();
            }
            json.WriteEndArray();
            WriteInts(json, "y", episode.Y);
            if (episode.Dist is { } dist)
            {
                json.WriteString("dist", dist);
            }
            if (episode.Perms is { } perms)
            {
                json.WriteStartArray("perms");
                foreach (var perm in perms)
                {
                    WriteInts(json, null, perm);
                }
                json.WriteEndArray();
            }
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    private static void WriteInts(Utf8JsonWriter json, string? name, int[] values)
    {
        if (name is null)
        {
            json.WriteStartArray();
        }
        else
        {
            json.WriteStartArray(name);
        }
        Array.ForEach(values, json.WriteNumberValue);
        json.WriteEndArray();
    }

    private static Episode Parse(string path, long line, string text)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text, Options);
        }
        catch (JsonException e)
        {
            throw new IccFormatException(path, $"line {line}: not valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        using (document)
        {
            return new EpisodeReader(path, line).Read(document.RootElement);
        }
    }
}
