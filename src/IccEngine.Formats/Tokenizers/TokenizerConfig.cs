using System.Text;
using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats.Tokenizers;

namespace IccEngine.Formats;

/// <summary>
/// What tokenizer_config.json says beside the tokenizer: the special tokens by role and the chat templates. (The
/// tokenizer itself comes from tokenizer.json alone.)
/// </summary>
public sealed class TokenizerConfig
{
    private TokenizerConfig(
        IReadOnlyDictionary<string, string> specialTokens, bool? addBosToken, bool? addEosToken, IReadOnlyDictionary<string, string> chatTemplates)
    {
        SpecialTokens = specialTokens;
        AddBosToken = addBosToken;
        AddEosToken = addEosToken;
        ChatTemplates = chatTemplates;
    }

    /// <summary>Every key that ends in <c>_token</c> and holds a token, such as <c>bos_token</c>, with the token's text.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; }

    /// <summary>The token that begins a text, if there is one.</summary>
    public string? BosToken => SpecialTokens.GetValueOrDefault("bos_token");

    /// <summary>The token that ends a text, if there is one.</summary>
    public string? EosToken => SpecialTokens.GetValueOrDefault("eos_token");

    /// <summary>The token that fills up a batch, if there is one.</summary>
    public string? PadToken => SpecialTokens.GetValueOrDefault("pad_token");

    /// <summary>The token for what the vocabulary does not have, if there is one.</summary>
    public string? UnkToken => SpecialTokens.GetValueOrDefault("unk_token");

    /// <summary>The file's <c>add_bos_token</c>, null where it says nothing. Encoding follows tokenizer.json instead.</summary>
    public bool? AddBosToken { get; }

    /// <summary>The file's <c>add_eos_token</c>, null where it says nothing. Encoding follows tokenizer.json instead.</summary>
    public bool? AddEosToken { get; }

    /// <summary>Sources of the chat templates by name; a single template is named <c>default</c>.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates { get; }

    /// <summary>Source of the template named <c>default</c>, if there is one.</summary>
    public string? ChatTemplate => ChatTemplates.GetValueOrDefault("default");

    /// <summary>
    /// Reads tokenizer_config.json of a model's folder, and chat_template.jinja beside it, which takes the place of the
    /// default template. Either file may be missing.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="IccFormatException">A file cannot be read or is not what it should be.</exception>
    public static TokenizerConfig Load(string folder)
    {
        var path = Path.Combine(folder, "tokenizer_config.json");
        var special = new Dictionary<string, string>(StringComparer.Ordinal);
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        var (addBos, addEos) = ((bool?)null, (bool?)null);
        if (File.Exists(path))
        {
            var root = JsonPlace.Parse(JsonPlace.ReadBytes(path), path, out var document);
            using (document)
            {
                ReadTokens(root, special);
                ReadTemplates(root, templates);
                addBos = root.Optional("add_bos_token")?.Bool();
                addEos = root.Optional("add_eos_token")?.Bool();
            }
        }
        var beside = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(beside))
        {
            templates["default"] = Utf8(JsonPlace.ReadBytes(beside), beside);
        }
        return new TokenizerConfig(special, addBos, addEos, templates);
    }

    private static void ReadTokens(JsonPlace root, Dictionary<string, string> special)
    {
        foreach (var (key, value) in root.Entries())
        {
            // Flags such as add_bos_token end in _token too.
            if (!key.EndsWith("_token", StringComparison.Ordinal) || value.Element.ValueKind is JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False)
            {
                continue;
            }
            special[key] = value.Element.ValueKind == JsonValueKind.Object ? value.Required("content").String() : value.String();
        }
    }

    private static void ReadTemplates(JsonPlace root, Dictionary<string, string> templates)
    {
        if (root.Optional("chat_template") is not { } template)
        {
            return;
        }
        if (template.Element.ValueKind == JsonValueKind.String)
        {
            templates["default"] = template.String();
            return;
        }
        foreach (var item in template.Items())
        {
            if (!templates.TryAdd(item.Required("name").String(), item.Required("template").String()))
            {
                throw item.Error($"the name {JsonPlace.Quote(item.Required("name").String())} occurs twice");
            }
        }
    }

    private static string Utf8(byte[] bytes, string path)
    {
        try
        {
            return new UTF8Encoding(false, true).GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new IccFormatException(path, "not valid UTF-8", e);
        }
    }
}
