using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// A chat template: the Jinja program, shipped with a model, that writes a conversation as the text the model was trained on.
/// The part of Jinja that such templates use is interpreted as Jinja with trim_blocks and lstrip_blocks does it; anything
/// else is refused by name and line. Steps, output, nesting and the sizes of values are limited. Instances are immutable and
/// can be used by several threads at once.
/// </summary>
/// <remarks>
/// Supported: if, for (with its condition, else, break, continue and loop), set (also of blocks, tuples and namespaces), macro,
/// with, filter and raw blocks, generation, comments, white-space control; the functions range, namespace, dict, raise_exception
/// and strftime_now; Jinja's common filters and tests; the methods of texts, lists and dicts that change nothing. Letters change
/// case one to one. Filters that are lazy in Jinja give lists. Integers have 64 bits.
/// </remarks>
public sealed class ChatTemplate
{
    private readonly Statement[] _body;
    private readonly TemplateLimits _limits;

    private ChatTemplate(string name, Statement[] body, TemplateLimits limits)
    {
        Name = name;
        _body = body;
        _limits = limits;
    }

    /// <summary>The name given to <see cref="Parse(string, string)"/>; errors begin with it.</summary>
    public string Name { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The program.</param>
    /// <param name="name">What errors call it: a file, or a file and a key.</param>
    /// <exception cref="IccFormatException">The source is no valid template; the message names the line.</exception>
    /// <exception cref="IccUnsupportedException">It uses a tag, filter or test that is not supported.</exception>
    public static ChatTemplate Parse(string source, string name) => Parse(source, name, TemplateLimits.Default);

    /// <summary>Reads a template from a file, UTF-8; errors begin with its path.</summary>
    /// <exception cref="IccFormatException">The file is missing, too large or no text, or no valid template.</exception>
    /// <exception cref="IccUnsupportedException">It uses a tag, filter or test that is not supported.</exception>
    public static ChatTemplate Load(string path)
    {
        var bytes = JsonFile.ReadBytes(path, TemplateLimits.Default.Source);
        return System.Text.Unicode.Utf8.IsValid(bytes)
            ? Parse(System.Text.Encoding.UTF8.GetString(bytes).TrimStart('\ufeff'), path)
            : throw new IccFormatException(path, "not valid UTF-8");
    }

    internal static ChatTemplate Parse(string source, string name, TemplateLimits limits)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length > limits.Source)
        {
            throw new IccFormatException(name, $"line 1: a template of {source.Length} characters is longer than the limit of {limits.Source}");
        }
        return new ChatTemplate(name, TemplateParser.Parse(source, name, limits), limits);
    }

    /// <summary>Writes a conversation.</summary>
    /// <param name="messages">The turns, in order.</param>
    /// <param name="addGenerationPrompt">Whether to open the assistant's turn at the end.</param>
    /// <param name="variables">
    /// Further variables, such as bos_token, eos_token, tools: null, booleans, int, long, float, double, texts, JsonElement or
    /// JsonNode. What is missing is undefined, except that tools and documents are none.
    /// </param>
    /// <param name="now">The clock of strftime_now; the local time where left out.</param>
    /// <exception cref="ChatTemplateException">The template refused the messages.</exception>
    /// <exception cref="IccFormatException">The template failed, or went beyond a limit; the message names the line.</exception>
    /// <exception cref="IccUnsupportedException">It called a function or method that is not supported.</exception>
    /// <exception cref="IccArgumentException">A variable of a type that templates do not have.</exception>
    public string Render(
        IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null, Func<DateTime>? now = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render(TemplateInput.Messages(messages), addGenerationPrompt, variables, now);
    }

    /// <summary>Writes a conversation whose messages are a JSON array of objects, with any keys (content parts, tool_calls).</summary>
    /// <inheritdoc cref="Render(IReadOnlyList{ChatMessage}, bool, IReadOnlyDictionary{string, object?}?, Func{DateTime}?)"/>
    public string Render(
        JsonElement messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null, Func<DateTime>? now = null) =>
        Render(TemplateInput.Messages(messages), addGenerationPrompt, variables, now);

    private string Render(TemplateList messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables, Func<DateTime>? now)
    {
        var scope = new TemplateScope(null);
        scope.Set("tools", null);
        scope.Set("documents", null);
        foreach (var (key, value) in variables ?? new Dictionary<string, object?>())
        {
            scope.Set(key, TemplateInput.Variable(key, value));
        }
        scope.Set("messages", messages);
        scope.Set("add_generation_prompt", addGenerationPrompt);
        return TemplateRenderer.Render(_body, scope, new RenderContext(Name, _limits, now ?? (() => DateTime.Now)));
    }
}
