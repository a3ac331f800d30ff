using IccEngine.Core;

namespace IccEngine;

/// <summary>Where the tokens of a prompt come from: ids, a text, or a file with a conversation.</summary>
public static class PromptSource
{
    private const long MaxChatBytes = 64 << 20;

    /// <summary>Token ids of a prompt; exactly one source is given.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">Ids, comma-separated.</param>
    /// <param name="text">A text; special tokens are added as the tokenizer says.</param>
    /// <param name="chatFile">A JSON file of messages, written out by the model's chat template.</param>
    /// <exception cref="IccArgumentException">Not exactly one source, ids that are no numbers, or a model without chat template.</exception>
    /// <exception cref="IccFormatException">The file is missing or malformed.</exception>
    public static int[] Read(IccModel model, string? ids, string? text, string? chatFile)
    {
        if (new[] { ids, text, chatFile }.Count(s => s is not null) != 1)
        {
            throw new IccArgumentException("the prompt: expected exactly one of --ids, --prompt and --chat");
        }
        var tokens = ids is not null ? Numbers("--ids", ids)
            : text is not null ? [.. model.Tokenizer.Encode(text, addSpecialTokens: true).Ids]
            : ReadChat(model, chatFile!);
        return tokens.Length > 0 ? tokens : throw new IccArgumentException("the prompt has no tokens; expected at least one");
    }

    /// <summary>Comma-separated whole numbers, none negative.</summary>
    /// <exception cref="IccArgumentException">Something else stands there.</exception>
    public static int[] Numbers(string option, string list) =>
        [.. list.Split(',').Select(s => int.TryParse(s.Trim(), out var n) && n >= 0 ? n : throw NotNumbers(option, s))];

    /// <summary>Comma-separated spans start:end of token positions, the end not included.</summary>
    /// <exception cref="IccArgumentException">Something else stands there.</exception>
    public static TokenSpan[] Spans(string option, string list) => [.. list.Split(',').Select(s =>
        s.Split(':') is [var start, var end] && int.TryParse(start.Trim(), out var b) && int.TryParse(end.Trim(), out var e) && b >= 0 && e > b
            ? new TokenSpan(b, e)
            : throw new IccArgumentException($"{option}: found '{s}', expected spans like 3:9,9:14 (end beyond start, end not included)"))];

    /// <summary>A layer and, behind a colon, a head: "3" or "3:0".</summary>
    /// <exception cref="IccArgumentException">Something else stands there.</exception>
    public static (int Layer, int? Head) Map(string option, string text)
    {
        var parts = text.Split(':');
        var head = 0;
        var valid = int.TryParse(parts[0], out var layer) && layer >= 0
            && (parts.Length == 1 || (parts.Length == 2 && int.TryParse(parts[1], out head) && head >= 0));
        return valid
            ? (layer, parts.Length == 2 ? head : null)
            : throw new IccArgumentException($"{option}: found '{text}', expected a layer, or layer:head, like 3 or 3:0");
    }

    private static int[] ReadChat(IccModel model, string file)
    {
        if (model.Chat is null)
        {
            throw new IccArgumentException($"--chat: {model.Name} has no chat template (tokenizer_config.json, chat_template.jinja)");
        }
        byte[] json;
        try
        {
            json = new FileInfo(file).Length <= MaxChatBytes
                ? File.ReadAllBytes(file)
                : throw new IccFormatException(file, $"more than {MaxChatBytes} bytes; expected a conversation");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IccFormatException(file, e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : $"cannot be read: {e.Message}", e);
        }
        return model.Chat.Encode(model.Chat.RenderJson(json, file));
    }

    private static IccArgumentException NotNumbers(string option, string found) =>
        new($"{option}: found '{found}', expected whole numbers like 1,2,3, none negative");
}
