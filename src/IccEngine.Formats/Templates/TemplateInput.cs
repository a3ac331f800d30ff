using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Turns what a caller hands over into values of a template.</summary>
internal static class TemplateInput
{
    public static TemplateList Messages(IReadOnlyList<ChatMessage> messages) => new([.. messages.Select(m =>
    {
        var dict = new TemplateDict();
        dict.Set("role", m.Role);
        dict.Set("content", m.Content);
        return dict;
    })]);

    public static TemplateList Messages(JsonElement messages) => messages.ValueKind == JsonValueKind.Array
        ? (TemplateList)FromJson(messages, "messages")!
        : throw new IccArgumentException($"messages: expected a JSON array of messages, found {Kind(messages)}");

    /// <exception cref="IccArgumentException">A type that no template value stands for.</exception>
    public static object? Variable(string name, object? value) => value switch
    {
        null or bool or long or double or string => value,
        int integer => (long)integer,
        float number => (double)number,
        JsonElement element => FromJson(element, name),
        JsonNode node => FromJson(JsonSerializer.SerializeToElement(node, JsonContext.Default.JsonNode), name),
        _ => throw new IccArgumentException(
            $"template variable '{name}': a value of type {value.GetType().Name} cannot be given to a template; expected null, a boolean, a number, a text or JSON"),
    };

    private static object? FromJson(JsonElement element, string where)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var dict = new TemplateDict();
                foreach (var property in element.EnumerateObject())
                {
                    dict.Set(Text(() => property.Name, where), FromJson(property.Value, where));
                }
                return dict;
            case JsonValueKind.Array:
                return new TemplateList([.. element.EnumerateArray().Select(e => FromJson(e, where))]);
            case JsonValueKind.String:
                return Text(() => element.GetString()!, where);
            case JsonValueKind.Number:
                return Number(element);
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            case JsonValueKind.Null:
                return null;
            default:
                throw new IccArgumentException($"{where}: expected JSON, found an empty element");
        }
    }

    private static object Number(JsonElement element)
    {
        var raw = element.GetRawText();
        if (raw.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return double.Parse(raw, CultureInfo.InvariantCulture);
        }
        return long.TryParse(raw, CultureInfo.InvariantCulture, out var integer) ? (object)integer
            : raw.Length <= 1000 ? BigInteger.Parse(raw, CultureInfo.InvariantCulture)
            : throw new IccArgumentException($"an integer of {raw.Length} digits in JSON: at most 1000");
    }

    private static string Text(Func<string> read, string where)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw new IccArgumentException($"{where}: a JSON text that is no valid Unicode: {e.Message}");
        }
    }

    private static string Kind(JsonElement element) => element.ValueKind.ToString().ToLowerInvariant();
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonNode))]
internal sealed partial class JsonContext : System.Text.Json.Serialization.JsonSerializerContext;
