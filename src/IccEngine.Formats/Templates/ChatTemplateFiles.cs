using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Finds the chat template and the special tokens in the folder of a model.</summary>
public static class ChatTemplateFiles
{
    private const string ConfigFile = "tokenizer_config.json";
    private static readonly string[] TokenKeys = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"];

    /// <summary>
    /// The template in chat_template.jinja or, where that file is missing, under chat_template in tokenizer_config.json: a text,
    /// or a list of named ones. Null where the folder has neither.
    /// </summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="name">Which of several named templates; a single one goes by any name.</param>
    /// <exception cref="IccFormatException">A file that cannot be read, or no template of that name.</exception>
    /// <exception cref="IccUnsupportedException">The template uses something that is not supported.</exception>
    public static ChatTemplate? Load(string folder, string name = "default")
    {
        var file = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(file))
        {
            return ChatTemplate.Parse(ReadText(file), file);
        }
        file = Path.Combine(folder, ConfigFile);
        using var config = ReadConfig(file);
        if (config is null || !config.RootElement.TryGetProperty("chat_template", out var template) || template.ValueKind == JsonValueKind.Null)
        {
            return null;
        }
        if (template.ValueKind == JsonValueKind.String)
        {
            return ChatTemplate.Parse(template.GetString()!, $"{file}: chat_template");
        }
        if (template.ValueKind != JsonValueKind.Array)
        {
            throw new IccFormatException(file, $"chat_template: expected a text or a list of named templates, found {template.ValueKind}");
        }
        var names = new List<string>();
        foreach (var entry in template.EnumerateArray())
        {
            if (Property(entry, "name") is not { } found || Property(entry, "template") is not { } source)
            {
                throw new IccFormatException(file, "chat_template: every entry of the list needs the texts 'name' and 'template'");
            }
            if (found == name)
            {
                return ChatTemplate.Parse(source, $"{file}: chat_template '{name}'");
            }
            names.Add(found);
        }
        throw new IccFormatException(file, $"chat_template: no template '{name}', found: {string.Join(", ", names)}");
    }

    /// <summary>The special tokens of tokenizer_config.json as variables of a template: bos_token, eos_token and others that are set.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <exception cref="IccFormatException">A file that cannot be read.</exception>
    public static IReadOnlyDictionary<string, object?> SpecialTokens(string folder)
    {
        var tokens = new Dictionary<string, object?>();
        var file = Path.Combine(folder, ConfigFile);
        using var config = ReadConfig(file);
        foreach (var key in TokenKeys)
        {
            if (config is null || !config.RootElement.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }
            tokens[key] = value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : Property(value, "content") ?? throw new IccFormatException(file, $"{key}: expected a text or an object with 'content', found {value.ValueKind}");
        }
        return tokens;
    }

    private static string? Property(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static JsonDocument? ReadConfig(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }
        try
        {
            var document = JsonDocument.Parse(ReadText(file));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document
                : throw new IccFormatException(file, $"expected a JSON object, found {document.RootElement.ValueKind}");
        }
        catch (JsonException e)
        {
            throw new IccFormatException(file, $"no valid JSON: {e.Message}", e);
        }
    }

    private static string ReadText(string file)
    {
        try
        {
            var length = new FileInfo(file).Length;
            return length <= 64_000_000
                ? File.ReadAllText(file)
                : throw new IccFormatException(file, $"{length} bytes: expected at most 64000000");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IccFormatException(file, $"cannot be read: {e.Message}", e);
        }
    }
}
