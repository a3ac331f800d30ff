using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine;

/// <summary>The chat template of a model, with its special tokens.</summary>
public sealed class ChatFormat
{
    private readonly ChatTemplate _template;
    private readonly Dictionary<string, object?> _tokens;
    private readonly Tokenizer _tokenizer;

    internal ChatFormat(string source, string model, TokenizerConfig config, Tokenizer tokenizer)
    {
        _template = ChatTemplate.Parse(source, $"{model}: chat_template");
        _tokens = config.SpecialTokens.ToDictionary(t => t.Key, object? (t) => t.Value);
        _tokenizer = tokenizer;
    }

    /// <summary>Writes a conversation, with the assistant's turn opened at the end.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the messages.</exception>
    /// <exception cref="IccFormatException">The template failed; the message names the line.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages) => _template.Render(messages, addGenerationPrompt: true, _tokens);

    /// <summary>Writes a conversation from JSON: an array of objects with role and content, or an object that has it as "messages".</summary>
    /// <param name="json">The text, UTF-8.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="ChatTemplateException">The template refuses the messages.</exception>
    /// <exception cref="IccFormatException">The JSON is malformed, or the template failed.</exception>
    public string RenderJson(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("messages", out var inner))
            {
                root = inner;
            }
            if (root.ValueKind != JsonValueKind.Array || root.GetArrayLength() == 0 || root.EnumerateArray().Any(m => m.ValueKind != JsonValueKind.Object))
            {
                throw new IccFormatException(name, "expected an array of messages, each an object with role and content");
            }
            return _template.Render(root, addGenerationPrompt: true, _tokens);
        }
        catch (JsonException e)
        {
            throw new IccFormatException(name, $"not valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    /// <summary>Token ids of a rendered conversation: the template has written all special tokens itself.</summary>
    public int[] Encode(string rendered) => [.. _tokenizer.Encode(rendered, addSpecialTokens: false).Ids];
}
