using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>The rows of a JSON-lines file: objects with the same keys, or arrays of the same length. Fields are raw JSON.</summary>
internal sealed class JsonRows(string path) : RowSource(path)
{
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Dictionary<string, int> _columns = new(StringComparer.Ordinal);
    private string _line = "";
    private int? _width;

    /// <inheritdoc/>
    public override TableFormat Format => TableFormat.Jsonl;

    /// <inheritdoc/>
    public override bool Next()
    {
        do
        {
            if (Reader.ReadLine() is not { } line)
            {
                return false;
            }
            Reader.RowTaken();
            _line = line;
        }
        while (_line.AsSpan().Trim().Length == 0);
        Row++;
        using var document = Parse();
        switch (document.RootElement.ValueKind)
        {
            case JsonValueKind.Object when _width is null || Names is not null:
                ReadObject(document.RootElement);
                break;
            case JsonValueKind.Array when Names is null:
                ReadArray(document.RootElement);
                break;
            default:
                throw Error($"found {JsonFile.Describe(document.RootElement)}, expected {(_width is null ? "an object or an array" : Names is null ? "an array" : "an object")}");
        }
        return true;
    }

    /// <inheritdoc/>
    public override string Label(int column)
    {
        var field = Fields[column];
        if (!field.StartsWith('"'))
        {
            return field == "null" ? "" : field;
        }
        using var document = JsonDocument.Parse(field);
        return JsonFile.TextOf(Path, $"row {Row}", document.RootElement);
    }

    /// <inheritdoc/>
    public override void WriteWith(IReadOnlyList<(string Column, double Value)> fields, Stream output)
    {
        if (fields.FirstOrDefault(f => _columns.ContainsKey(f.Column)).Column is { } column)
        {
            throw new IccArgumentException($"{Path}: there is a column '{column}' already");
        }
        using (var document = Parse())
        using (var json = new Utf8JsonWriter(output, Relaxed))
        {
            if (Names is not null)
            {
                json.WriteStartObject();
                foreach (var property in document.RootElement.EnumerateObject())
                {
                    json.WritePropertyName(JsonFile.NameOf(Path, property));
                    json.WriteRawValue(property.Value.GetRawText(), skipInputValidation: true);
                }
                foreach (var (name, value) in fields)
                {
                    json.WriteNumber(name, value);
                }
                json.WriteEndObject();
            }
            else
            {
                json.WriteStartArray();
                foreach (var item in document.RootElement.EnumerateArray())
                {
                    json.WriteRawValue(item.GetRawText(), skipInputValidation: true);
                }
                foreach (var (_, value) in fields)
                {
                    json.WriteNumberValue(value);
                }
                json.WriteEndArray();
            }
        }
        output.WriteByte((byte)'\n');
    }

    private JsonDocument Parse()
    {
        try
        {
            return JsonDocument.Parse(_line, Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Error($"not valid JSON: {e.Message.ReplaceLineEndings(" ")}", inner: e);
        }
    }

    private void ReadObject(JsonElement row)
    {
        if (_width is null)
        {
            foreach (var property in row.EnumerateObject())
            {
                _columns.Add(JsonFile.NameOf(Path, property), _columns.Count);
            }
            Names = [.. _columns.Keys];
            _width = _columns.Count;
        }
        var fields = new string[_columns.Count];
        foreach (var property in row.EnumerateObject())
        {
            var name = JsonFile.NameOf(Path, property);
            fields[_columns.TryGetValue(name, out var at) ? at : throw Error($"found the key '{name.ReplaceLineEndings(" ")}', expected the keys of row 1 only")] = property.Value.GetRawText();
        }
        var missing = Array.IndexOf(fields, null);
        Fields = missing < 0 ? fields : throw Error($"key '{Names![missing].ReplaceLineEndings(" ")}' is missing, expected the keys of row 1");
    }

    private void ReadArray(JsonElement row)
    {
        _width ??= row.GetArrayLength();
        Fields = row.GetArrayLength() == _width
            ? [.. row.EnumerateArray().Select(v => v.GetRawText())]
            : throw Error($"found {row.GetArrayLength()} values, expected {_width}");
    }
}
