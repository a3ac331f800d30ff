using System.Text;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The lines of a text file, one in memory at a time, with an end to how long one may be.</summary>
internal static class EpisodeLines
{
    /// <summary>Reads lines; each when it is asked for.</summary>
    /// <exception cref="IccFormatException">The file cannot be read, is no UTF-8, or has a longer line.</exception>
    public static IEnumerable<string> Read(string path, int maxLength)
    {
        using var reader = Open(path);
        var (buffer, line, number) = (new char[1 << 16], new StringBuilder(), 1L);
        while (Fill(path, reader, buffer, number) is var count && count > 0)
        {
            for (var at = 0; at < count;)
            {
                var end = Array.IndexOf(buffer, '\n', at, count - at);
                var until = end < 0 ? count : end;
                line.Append(buffer, at, until - at);
                if (line.Length > maxLength)
                {
                    throw new IccFormatException(path, $"line {number}: found more than {maxLength} characters, expected an episode");
                }
                if (end >= 0)
                {
                    yield return line.ToString();
                    line.Clear();
                    number++;
                }
                at = until + 1;
            }
        }
        if (line.Length > 0)
        {
            yield return line.ToString();
        }
    }

    private static StreamReader Open(string path)
    {
        try
        {
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);
            return new StreamReader(path, text, detectEncodingFromByteOrderMarks: false, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IccFormatException(path, e is FileNotFoundException or DirectoryNotFoundException
                ? "no such file"
                : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static int Fill(string path, StreamReader reader, char[] buffer, long line)
    {
        try
        {
            return reader.Read(buffer);
        }
        catch (Exception e) when (e is DecoderFallbackException or IOException)
        {
            throw new IccFormatException(path, $"line {line} or after: "
                + (e is DecoderFallbackException ? "not valid UTF-8" : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}"), e);
        }
    }
}
