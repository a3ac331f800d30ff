using System.Text;
using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// The results of an evaluation as they come, in memory and in a file of JSON lines: first the setting, then a result a line. A run that was
/// ended anywhere goes on from its file; a last line that was only half written is dropped.
/// </summary>
public sealed class EvaluationLog : IDisposable
{
    private const int LongestLine = 1 << 24;
    private const long LockedByte = long.MaxValue - 1;
    private readonly Dictionary<(string Method, long Episode, int Order), EvaluationRecord> _records = [];
    private readonly FileStream? _file;

    private EvaluationLog(FileStream? file) => _file = file;

    /// <summary>Results so far.</summary>
    public int Count => _records.Count;

    /// <summary>Opens a file, which may hold results of the same setting, or none; or keeps results in memory only.</summary>
    /// <param name="path">The file, or null.</param>
    /// <param name="setting">What the results depend on.</param>
    /// <exception cref="IccFormatException">The file cannot be written, is in use, is no results file, or has results of another setting.</exception>
    public static EvaluationLog Open(string? path, EvaluationSetting setting)
    {
        if (path is null)
        {
            return new EvaluationLog(null);
        }
        AtomicFile.CheckPlace(path);
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            if (!OperatingSystem.IsMacOS())
            {
                // Two runs would write into each other. Readers are let in, so the lock stands where no result is.
                file.Lock(LockedByte, 1);
            }
            var log = new EvaluationLog(file);
            log.Resume(path, setting);
            return log;
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw new IccFormatException(path, $"cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
            }
            throw;
        }
    }

    /// <summary>The result of a method on an episode in an order, or null where it is not there yet.</summary>
    public EvaluationRecord? Find(string method, long episode, int order) => _records.GetValueOrDefault((method, episode, order));

    /// <summary>Adds a result; when this returns, the end of the process does not lose it.</summary>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public void Add(EvaluationRecord record)
    {
        _records[(record.Method, record.Episode, record.Order)] = record;
        if (_file is null)
        {
            return;
        }
        try
        {
            WriteLine(_file, record);
        }
        catch (IOException e)
        {
            throw new IccFormatException(_file.Name, $"cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file?.Dispose();

    private static void WriteLine<T>(FileStream file, T value)
    {
        file.Write([.. JsonSerializer.SerializeToUtf8Bytes(value, EvaluationRecord.Json), (byte)'\n']);
        file.Flush();
    }

    private void Resume(string path, EvaluationSetting setting)
    {
        var (number, whole) = (0L, 0L);
        foreach (var line in Lines(path))
        {
            if (line[^1] != '\n')
            {
                break;
            }
            (number, whole) = (number + 1, whole + line.Length);
            if (number == 1)
            {
                CheckSetting(path, line, setting);
            }
            else
            {
                var record = Read<EvaluationRecord>(path, number, line, "a result");
                _records[(record.Method, record.Episode, record.Order)] = record.IsSound
                    ? record
                    : throw new IccFormatException(path, $"line {number}: found numbers outside their limits, expected a result");
            }
        }
        if (number == 0 && _file!.Length > 0)
        {
            CheckBeginning(path, setting);
        }
        _file!.SetLength(whole);
        _file.Seek(whole, SeekOrigin.Begin);
        if (number == 0)
        {
            WriteLine(_file, setting);
        }
    }

    /// <summary>The lines with their ends; the last one may lack it.</summary>
    private IEnumerable<byte[]> Lines(string path)
    {
        var (buffer, line) = (new byte[1 << 16], new MemoryStream());
        _file!.Seek(0, SeekOrigin.Begin);
        while (_file.Read(buffer) is var count && count > 0)
        {
            for (var at = 0; at < count;)
            {
                var end = Array.IndexOf(buffer, (byte)'\n', at, count - at);
                var until = end < 0 ? count : end + 1;
                line.Write(buffer, at, until - at);
                if (line.Length > LongestLine)
                {
                    throw new IccFormatException(path, $"found a line of more than {LongestLine} bytes, expected the results of an evaluation");
                }
                if (end >= 0)
                {
                    yield return line.ToArray();
                    line.SetLength(0);
                }
                at = until;
            }
        }
        if (line.Length > 0)
        {
            yield return line.ToArray();
        }
    }

    private static void CheckSetting(string path, byte[] line, EvaluationSetting setting)
    {
        var found = Read<EvaluationSetting>(path, 1, line, "the setting of an evaluation");
        if (found == setting)
        {
            return;
        }
        var differing = typeof(EvaluationSetting).GetProperties().First(p => !Equals(p.GetValue(found), p.GetValue(setting)));
        string Show(EvaluationSetting s) => Convert.ToString(differing.GetValue(s), System.Globalization.CultureInfo.InvariantCulture) is { Length: > 0 } text
            ? text.ReplaceLineEndings(" ")
            : "none";
        throw new IccFormatException(
            path, $"has results of another setting: {EvaluationRecord.Json.PropertyNamingPolicy!.ConvertName(differing.Name)} found {Show(found)},"
                + $" expected {Show(setting)}; name another file");
    }

    /// <summary>A file without a whole line is ours only where it is the beginning of the first line.</summary>
    private void CheckBeginning(string path, EvaluationSetting setting)
    {
        var expected = JsonSerializer.Serialize(setting, EvaluationRecord.Json);
        var found = Encoding.UTF8.GetString(Lines(path).First());
        if (!expected.StartsWith(found, StringComparison.Ordinal))
        {
            throw new IccFormatException(path, "found a file without a whole line, expected the results of an evaluation; name another file");
        }
    }

    private static T Read<T>(string path, long number, byte[] line, string expected)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line, EvaluationRecord.Json) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new IccFormatException(path, $"line {number}: expected {expected}: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
