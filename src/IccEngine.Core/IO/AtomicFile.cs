namespace IccEngine.Core;

/// <summary>Files that are there whole or not at all: written under another name beside, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> by <paramref name="write"/>. A file of that name stays as it was until the new one is complete;
    /// after an error or a cancellation nothing is left beside it.
    /// </summary>
    /// <param name="path">The file to write; its folder has to exist.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IccFormatException">The file cannot be written (no such folder, no right to, disk full).</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var beside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception e)
        {
            Remove(beside);
            if (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw new IccFormatException(path, $"cannot be written: {OneLine(e.Message)}", e);
            }
            throw;
        }
    }

    /// <summary>Checks, before long work, that a file can be written there.</summary>
    /// <param name="path">The file that is going to be written.</param>
    /// <exception cref="IccFormatException">Its folder does not exist, or it is a folder itself.</exception>
    public static void CheckPlace(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (Directory.Exists(path) || !Directory.Exists(folder))
        {
            throw new IccFormatException(path, Directory.Exists(path) ? "a folder; expected a file to write" : $"no folder {folder} to write it in");
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // The error that led here is the one to report.
        }
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ");
}
