using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>
/// A prompt for texts: a Jinja template of the user's message. Its variables are items, the list of the texts; clusters, their number;
/// and condition, by what they are to be clustered ("by topic"), or none. Every item is to be printed once, whole and in order.
/// </summary>
public sealed class TextTemplate
{
    /// <summary>The prompt of the paper, in words for texts.</summary>
    public const string Default =
        """
        Cluster the following texts{% if condition %} {{ condition }}{% endif %} into {{ clusters }} clusters. Only output the cluster labels for each text as a list of integers. No code. Data: 
        {% for item in items %}
        {{ item }}
        {% endfor %}
        Labels:
        """;

    // Noncharacters, which no text has: they go through the template around the items and say where these have come to stand.
    private const char Opening = '\ufdd0';
    private const char Numbered = '\ufdd1';
    private const char Closing = '\ufdd2';
    private readonly ChatTemplate _template;

    private TextTemplate(ChatTemplate template) => _template = template;

    /// <summary>Reads a template.</summary>
    /// <param name="path">The file, UTF-8; null: <see cref="Default"/>.</param>
    /// <exception cref="IccFormatException">The file is missing or no text, or no valid template.</exception>
    /// <exception cref="IccUnsupportedException">It uses a tag, filter or test that is not supported.</exception>
    public static TextTemplate Load(string? path) =>
        new(path is null ? ChatTemplate.Parse(Default, "the prompt for texts") : ChatTemplate.Load(path));

    /// <summary>Writes a prompt.</summary>
    /// <param name="items">The texts.</param>
    /// <param name="clusters">Number of clusters.</param>
    /// <param name="condition">By what they are to be clustered, or null.</param>
    /// <param name="frame">Puts the user's message into the model's conversation.</param>
    /// <returns>The prompt, and the range [start, end) of every item in it, in UTF-16 units.</returns>
    /// <exception cref="IccArgumentException">An item with one of the characters U+FDD0 to U+FDD2.</exception>
    /// <exception cref="IccFormatException">The template failed, or does not print every item once, whole and in order.</exception>
    /// <exception cref="ChatTemplateException">A template refused its input.</exception>
    public (string Text, (int Start, int End)[] Items) Render(
        IReadOnlyList<string> items, int clusters, string? condition, Func<string, string> frame)
    {
        var list = new JsonArray();
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].AsSpan().IndexOfAnyInRange(Opening, Closing) >= 0)
            {
                throw new IccArgumentException($"item {i + 1}: found one of the noncharacters U+FDD0 to U+FDD2, expected text");
            }
            list.Add((JsonNode)string.Create(CultureInfo.InvariantCulture, $"{Opening}{i}{Numbered}{items[i]}{Closing}"));
        }
        var variables = new Dictionary<string, object?> { ["items"] = list, ["clusters"] = clusters, ["condition"] = condition };
        return Locate(frame(_template.Render([], addGenerationPrompt: false, variables)), items.Count);
    }

    /// <summary>Takes the marks out of a prompt.</summary>
    private (string Text, (int Start, int End)[] Items) Locate(string marked, int count)
    {
        var (text, places) = (new StringBuilder(marked.Length), new List<(int Start, int End)>(count));
        for (var at = 0; at < marked.Length;)
        {
            var next = marked.AsSpan(at).IndexOfAnyInRange(Opening, Closing);
            var end = next < 0 ? marked.Length : at + next;
            text.Append(marked, at, end - at);
            if (end == marked.Length)
            {
                break;
            }
            var numbered = marked.IndexOf(Numbered, end);
            var closing = numbered < 0 ? -1 : marked.AsSpan(numbered + 1).IndexOfAnyInRange(Opening, Closing) + numbered + 1;
            if (marked[end] != Opening || closing <= numbered || marked[closing] != Closing
                || !int.TryParse(marked.AsSpan(end + 1, numbered - end - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var item))
            {
                throw Wrong($"changes item {places.Count + 1}");
            }
            if (item != places.Count)
            {
                throw Wrong(item < places.Count ? $"prints item {item + 1} behind item {places.Count}" : $"leaves out item {places.Count + 1}");
            }
            places.Add((text.Length, text.Length + closing - numbered - 1));
            text.Append(marked, numbered + 1, closing - numbered - 1);
            at = closing + 1;
        }
        return places.Count == count ? (text.ToString(), [.. places]) : throw Wrong($"leaves out item {places.Count + 1}");
    }

    private IccFormatException Wrong(string what) => new(_template.Name, $"the template {what}; expected every item once, whole and in order");
}
