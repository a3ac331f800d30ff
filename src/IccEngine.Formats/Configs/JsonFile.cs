using System.Text.Json;
using System.Text.Unicode;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Small JSON files read whole, with clear errors.</summary>
internal static class JsonFile
{
    /// <summary>Largest configuration file that is read, in bytes.</summary>
    public const long MaxConfigLength = 16 << 20;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a file whose root is an object.</summary>
    /// <exception cref="IccFormatException">It is missing, too large, not UTF-8, no JSON, has a key twice, or is no object.</exception>
    public static JsonDocument Read(string path, long maxLength = MaxConfigLength) => Parse(path, ReadBytes(path, maxLength));

    /// <summary>Reads bytes whose root is an object.</summary>
    /// <exception cref="IccFormatException">They are not UTF-8, no JSON, have a key twice, or are no object.</exception>
    public static JsonDocument Parse(string path, ReadOnlyMemory<byte> bytes)
    {
        if (!Utf8.IsValid(bytes.Span))
        {
            throw new IccFormatException(path, "not valid UTF-8");
        }
        JsonDocument document;
        try
        {
            ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
            document = JsonDocument.Parse(bytes[(bytes.Span.StartsWith(mark) ? mark.Length : 0)..], Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new IccFormatException(path, $"not valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return document;
        }
        document.Dispose();
        throw new IccFormatException(path, "found another value, expected a JSON object");
    }

    /// <summary>A property's name; half a surrogate pair in it is an error.</summary>
    public static string NameOf(string path, JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new IccFormatException(path, "a key is not valid Unicode", e);
        }
    }

    /// <summary>A string; any other value, and half a surrogate pair in it, is an error.</summary>
    public static string TextOf(string path, string place, JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : throw new IccFormatException(path, $"{place}: found {Describe(value)}, expected a string");
        }
        catch (InvalidOperationException e)
        {
            throw new IccFormatException(path, $"{place}: not valid Unicode", e);
        }
    }

    /// <summary>A value for a message: short, on one line.</summary>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => Shorten(value.GetRawText()),
    };

    private static string Shorten(string text) => text.Length <= 80 ? text : $"{text.AsSpan(0, 77)}...";

    /// <summary>All bytes of a file.</summary>
    /// <exception cref="IccFormatException">It is missing, too large, or cannot be read.</exception>
    public static byte[] ReadBytes(string path, long maxLength)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return stream.Length <= maxLength
                ? ReadAll(stream)
                : throw new IccFormatException(path, $"found {stream.Length} bytes, expected at most {maxLength}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new IccFormatException(path, e is FileNotFoundException or DirectoryNotFoundException
                ? "no such file"
                : $"cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static byte[] ReadAll(FileStream stream)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
