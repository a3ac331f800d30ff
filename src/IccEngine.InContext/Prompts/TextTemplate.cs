using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>A prompt with texts in it.</summary>
/// <param name="Text">The prompt.</param>
/// <param name="Items">Range [start, end) of every text in it, in UTF-16 units.</param>
/// <param name="Plain">Ranges of all that the templates did not write themselves, the texts and the condition; in order and disjoint.</param>
public sealed record TextPrompt(string Text, IReadOnlyList<(int Start, int End)> Items, IReadOnlyList<(int Start, int End)> Plain);

/// <summary>
/// A prompt for texts: a Jinja template of the user's message. Its variables are items, the list of the texts; clusters, their number;
/// and condition, by what they are to be clustered ("by topic"), or none. Every item is to be printed once, whole and in order; the condition
/// whole, as often as wanted. Both carry marks while the template runs, so that they can be printed and not compared with other text.
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

    // Noncharacters, which no text has: they go through the template around items and condition and say where these have come to stand.
    private const char Opening = '\ufdd0';
    private const char Numbered = '\ufdd1';
    private const char Closing = '\ufdd2';
    private const char ConditionOpening = '\ufdd3';
    private const char ConditionClosing = '\ufdd4';
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
    /// <exception cref="IccArgumentException">An item, or the condition, with one of the characters U+FDD0 to U+FDD4.</exception>
    /// <exception cref="IccFormatException">The template failed, or does not print every item once, whole and in order, or a condition whole.</exception>
    /// <exception cref="ChatTemplateException">A template refused its input.</exception>
    public TextPrompt Render(IReadOnlyList<string> items, int clusters, string? condition, Func<string, string> frame)
    {
        var list = new JsonArray();
        for (var i = 0; i < items.Count; i++)
        {
            CheckText(items[i], $"item {i + 1}");
            list.Add((JsonNode)string.Create(CultureInfo.InvariantCulture, $"{Opening}{i}{Numbered}{items[i]}{Closing}"));
        }
        CheckText(condition ?? "", "condition");
        var variables = new Dictionary<string, object?>
        {
            ["items"] = list,
            ["clusters"] = clusters,
            ["condition"] = string.IsNullOrEmpty(condition) ? condition : $"{ConditionOpening}{condition}{ConditionClosing}",
        };
        return Locate(frame(_template.Render([], addGenerationPrompt: false, variables)), items.Count);
    }

    /// <summary>Takes the marks out of a prompt.</summary>
    private TextPrompt Locate(string marked, int count)
    {
        var text = new StringBuilder(marked.Length);
        var (places, plain) = (new List<(int Start, int End)>(count), new List<(int Start, int End)>(count));
        for (var at = 0; at < marked.Length;)
        {
            var mark = NextMark(marked, at);
            text.Append(marked, at, mark - at);
            if (mark == marked.Length)
            {
                break;
            }
            var isCondition = marked[mark] is ConditionOpening or ConditionClosing;
            var begin = isCondition ? mark : NumberedItem(marked, mark, places.Count);
            var end = NextMark(marked, begin + 1);
            if (end == marked.Length || marked[mark] == ConditionClosing || marked[end] != (isCondition ? ConditionClosing : Closing))
            {
                throw Wrong(isCondition ? "changes the condition" : $"changes item {places.Count + 1}");
            }
            plain.Add((text.Length, text.Length + end - begin - 1));
            if (!isCondition)
            {
                places.Add(plain[^1]);
            }
            text.Append(marked, begin + 1, end - begin - 1);
            at = end + 1;
        }
        return places.Count == count ? new TextPrompt(text.ToString(), places, plain) : throw Wrong($"leaves out item {places.Count + 1}");
    }

    /// <summary>The mark behind the number of the item that opens at a place.</summary>
    private int NumberedItem(string marked, int opening, int expected)
    {
        var numbered = NextMark(marked, opening + 1);
        if (marked[opening] != Opening || numbered == marked.Length || marked[numbered] != Numbered
            || !int.TryParse(marked.AsSpan(opening + 1, numbered - opening - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var item))
        {
            throw Wrong($"changes item {expected + 1}");
        }
        return item == expected
            ? numbered
            : throw Wrong(item < expected ? $"prints item {item + 1} behind item {expected}" : $"leaves out item {expected + 1}");
    }

    private static int NextMark(string text, int from)
    {
        var next = text.AsSpan(from).IndexOfAnyInRange(Opening, ConditionClosing);
        return next < 0 ? text.Length : from + next;
    }

    private static void CheckText(string text, string name)
    {
        if (NextMark(text, 0) < text.Length)
        {
            throw new IccArgumentException($"{name}: found one of the noncharacters U+FDD0 to U+FDD4, expected text");
        }
    }

    private IccFormatException Wrong(string what) => new(_template.Name, $"the template {what}; expected every item once, whole and in order, and a condition whole");
}
