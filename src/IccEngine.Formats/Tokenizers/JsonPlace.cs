using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats.Tokenizers;

/// <summary>A value of a JSON file together with its place, so that every complaint names the file and the key.</summary>
internal readonly struct JsonPlace
{
    /// <summary>Largest tokenizer file that is read, in bytes; the largest in use have about 40 MB.</summary>
    private const long MaxLength = 256 << 20;

    private JsonPlace(JsonElement element, string file, string path)
    {
        Element = element;
        File = file;
        Path = path;
    }

    public JsonElement Element { get; }

    public string File { get; }

    /// <summary>Keys from the root on, such as <c>model.merges[3]</c>.</summary>
    public string Path { get; }

    /// <summary>Parses a whole file; the root must be an object. Nesting is limited to 64 levels.</summary>
    /// <exception cref="IccFormatException">The bytes are not JSON, or not an object.</exception>
    public static JsonPlace Parse(ReadOnlyMemory<byte> utf8, string file, out JsonDocument document)
    {
        document = JsonFile.Parse(file, utf8);
        return new JsonPlace(document.RootElement, file, "");
    }

    /// <summary>Reads all bytes of a file.</summary>
    /// <exception cref="IccFormatException">The file is missing or cannot be read.</exception>
    public static byte[] ReadBytes(string path) => JsonFile.ReadBytes(path, MaxLength);

    /// <summary>The value of a key; an absent key and an explicit null are both "absent".</summary>
    public JsonPlace? Optional(string key)
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }
        return Element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null
            ? new JsonPlace(value, File, Path.Length == 0 ? key : $"{Path}.{key}")
            : null;
    }

    public JsonPlace Required(string key) =>
        Optional(key) ?? throw new IccFormatException(File, $"key \"{(Path.Length == 0 ? key : $"{Path}.{key}")}\" is missing");

    public string String() => Element.ValueKind == JsonValueKind.String ? Text(Element) : throw Wrong("a string");

    public bool Bool() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    public int NonNegativeInt() => IsId(Element, out var value) ? value : throw Wrong("an integer from 0 to 2147483647");

    public string StringOr(string key, string fallback) => Optional(key)?.String() ?? fallback;

    public bool BoolOr(string key, bool fallback) => Optional(key)?.Bool() ?? fallback;

    /// <summary>A string of exactly one code point.</summary>
    public int CodePoint()
    {
        var points = CodePoints.Of(String());
        return points.Length == 1 ? points[0] : throw Error($"found {Quote(String())}, expected one character");
    }

    public IEnumerable<JsonPlace> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("an array");
        }
        var (file, path, i) = (File, Path, 0);
        return Element.EnumerateArray().Select(item => new JsonPlace(item, file, $"{path}[{i++}]"));
    }

    /// <summary>Name and value of every key of an object.</summary>
    public IEnumerable<(string Key, JsonPlace Value)> Entries()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }
        var place = this;
        return Element.EnumerateObject().Select(p =>
        {
            var key = place.KeyOf(p);
            return (key, new JsonPlace(p.Value, place.File, $"{place.Path}[{Quote(key)}]"));
        });
    }

    /// <summary>The name of a property, decoded.</summary>
    public string KeyOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw Error("a key is not valid Unicode", e);
        }
    }

    /// <summary>The text of a string element below this place.</summary>
    public string Text(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Error("a string is not valid Unicode", e);
        }
    }

    public static bool IsId(JsonElement element, out int value)
    {
        value = -1;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out value) && value >= 0;
    }

    public IccFormatException Wrong(string expected) =>
        Error($"found {(Element.ValueKind == JsonValueKind.Number ? Quote(Element.GetRawText()) : Name(Element.ValueKind))}, expected {expected}");

    public IccFormatException Error(string message, Exception? inner = null) =>
        new(File, Path.Length == 0 ? message : $"{Path}: {message}", inner);

    public IccUnsupportedException Unsupported(string what) => new($"{File}: {Path}: {what} is not supported");

    /// <summary>A text in quotation marks, on one line, cut where it is long.</summary>
    public static string Quote(string text)
    {
        var cut = text.Length > 60 ? $"{text.AsSpan(0, 60)}..." : text;
        return $"\"{string.Concat(cut.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' ? $"\\u{(int)c:x4}" : c.ToString()))}\"";
    }

    private static string Name(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
