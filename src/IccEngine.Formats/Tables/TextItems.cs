using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Texts to be clustered: a line of a file each, or a field of each line of a JSON-lines file.</summary>
public sealed class TextItems
{
    /// <summary>Most items of a file.</summary>
    public const int MaxItems = 1_000_000;

    /// <summary>Most characters of a file.</summary>
    public const long MaxCharacters = 1 << 28;

    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false };
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly List<string> _lines;

    private TextItems(string path, string? field, List<string> lines, string[] items) =>
        (Path, Field, _lines, Items) = (path, field, lines, items);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Field that holds the text; null where a line is one.</summary>
    public string? Field { get; }

    /// <summary>The texts, none of them blank.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Reads a file, UTF-8.</summary>
    /// <param name="path">The file; of a name that ends with .jsonl or .ndjson a field is to be named.</param>
    /// <param name="field">Field of the object in each line that holds the text; null: the line is the text.</param>
    /// <exception cref="IccFormatException">The file is missing, empty, no text, too large; a line is blank, no object, or without the field.</exception>
    /// <exception cref="IccArgumentException">A file of JSON lines, and no field.</exception>
    public static TextItems Read(string path, string? field = null)
    {
        if (field is null && System.IO.Path.GetExtension(path).ToLowerInvariant() is ".jsonl" or ".ndjson")
        {
            throw new IccArgumentException($"{path}: JSON lines, and no field is named; expected the one that holds the text");
        }
        using var reader = new GuardedReader(path);
        var (lines, items, characters) = (new List<string>(), new List<string>(), 0L);
        while (reader.ReadLine() is { } line)
        {
            reader.RowTaken();
            characters += line.Length;
            if (lines.Count == MaxItems || characters > MaxCharacters)
            {
                throw new IccFormatException(path, $"line {lines.Count + 1}: found more than {MaxItems} items or {MaxCharacters} characters");
            }
            lines.Add(line);
            var item = field is null ? line : Value(path, line, lines.Count, field);
            items.Add(!string.IsNullOrWhiteSpace(item) ? item : throw new IccFormatException(path, $"line {lines.Count}: found a blank text, expected an item"));
        }
        return lines.Count > 0
            ? new TextItems(path, field, lines, [.. items])
            : throw new IccFormatException(path, "the file is empty, expected an item a line");
    }

    /// <summary>Whether an object of the file has a field of that name.</summary>
    public bool HasField(string name) => Field is not null && _lines.Exists(line =>
    {
        using var document = JsonDocument.Parse(line, Options);
        return document.RootElement.TryGetProperty(name, out _);
    });

    /// <summary>
    /// Writes JSON lines, whole or not at all: the objects of the file with a further field at their end, or, of a file of texts, objects
    /// with the fields text and the further one.
    /// </summary>
    /// <param name="path">The file to write.</param>
    /// <param name="labels">One number for each item.</param>
    /// <param name="name">Name of the further field.</param>
    /// <exception cref="IccArgumentException">Not one label for each item.</exception>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    public void WriteWithLabels(string path, IReadOnlyList<int> labels, string name)
    {
        if (labels.Count != Items.Count)
        {
            throw new IccArgumentException($"found {labels.Count} labels, expected one for each of {Items.Count} items");
        }
        AtomicFile.Write(path, output =>
        {
            for (var i = 0; i < labels.Count; i++)
            {
                using (var json = new Utf8JsonWriter(output, Relaxed))
                {
                    json.WriteStartObject();
                    WriteItem(json, i);
                    json.WriteNumber(name, labels[i]);
                    json.WriteEndObject();
                }
                output.WriteByte((byte)'\n');
            }
        });
    }

    private void WriteItem(Utf8JsonWriter json, int item)
    {
        if (Field is null)
        {
            json.WriteString("text", Items[item]);
            return;
        }
        using var document = JsonDocument.Parse(_lines[item], Options);
        foreach (var property in document.RootElement.EnumerateObject())
        {
            json.WritePropertyName(JsonFile.NameOf(Path, property));
            json.WriteRawValue(property.Value.GetRawText(), skipInputValidation: true);
        }
    }

    private static string Value(string path, string line, int number, string field)
    {
        try
        {
            using var document = JsonDocument.Parse(line, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw new IccFormatException(path, $"line {number}: found {JsonFile.Describe(root)}, expected an object");
            }
            var place = $"line {number}, field '{field.ReplaceLineEndings(" ")}'";
            return root.TryGetProperty(field, out var value)
                ? JsonFile.TextOf(path, place, value)
                : throw new IccFormatException(path, $"{place}: not there, expected the text of the item");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new IccFormatException(path, $"line {number}: not valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
