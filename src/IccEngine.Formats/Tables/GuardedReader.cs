using System.Text;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// The characters of a table file, UTF-8 with or without a byte order mark. Refuses what is no text (NUL, invalid UTF-8) and rows so
/// long that holding one would take unreasonable memory.
/// </summary>
internal sealed class GuardedReader : TextReader
{
    /// <summary>Longest row in characters; what a parser reads ahead counts.</summary>
    public const int MaxRowLength = 1 << 24;

    private readonly string _path;
    private readonly StreamReader _reader;
    private long _sinceRow;

    /// <summary>Opens the file.</summary>
    /// <exception cref="IccFormatException">It is missing or cannot be read.</exception>
    public GuardedReader(string path)
    {
        _path = path;
        try
        {
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true);
            _reader = new StreamReader(path, text, detectEncodingFromByteOrderMarks: false, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IccFormatException(path, e is FileNotFoundException or DirectoryNotFoundException
                ? "no such file"
                : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Number of rows taken so far, header included.</summary>
    public int RowsTaken { get; private set; }

    /// <summary>Says that a row is complete: its characters no longer count.</summary>
    public void RowTaken()
    {
        RowsTaken++;
        _sinceRow = 0;
    }

    /// <inheritdoc/>
    public override int Peek() => Guard(() => _reader.Peek());

    /// <inheritdoc/>
    public override int Read()
    {
        Span<char> one = stackalloc char[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    /// <inheritdoc/>
    public override int Read(char[] buffer, int index, int count) => Read(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override int Read(Span<char> buffer)
    {
        int count;
        try
        {
            count = _reader.Read(buffer);
        }
        catch (Exception e) when (e is DecoderFallbackException or IOException)
        {
            throw Unreadable(e);
        }
        if (buffer[..count].Contains('\0'))
        {
            throw new IccFormatException(_path, $"{Place}: found a NUL byte, expected text (a binary file?)");
        }
        _sinceRow += count;
        return _sinceRow <= MaxRowLength
            ? count
            : throw new IccFormatException(_path, $"{Place}: found a row of more than {MaxRowLength} characters, expected a table (or is a closing quote missing?)");
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reader.Dispose();
        }
        base.Dispose(disposing);
    }

    private string Place => RowsTaken == 0 ? "at the start" : $"after line {RowsTaken}";

    private int Guard(Func<int> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is DecoderFallbackException or IOException)
        {
            throw Unreadable(e);
        }
    }

    private IccFormatException Unreadable(Exception e) => new(_path,
        $"{Place}: {(e is DecoderFallbackException ? "not valid UTF-8" : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}")}", e);
}
