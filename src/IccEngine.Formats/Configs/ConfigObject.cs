using System.Globalization;
using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// A JSON object of a configuration file, read key by key with range checks; every error names the file, the key, what was found and
/// what was expected.
/// </summary>
internal readonly struct ConfigObject(string file, JsonElement element, string prefix = "")
{
    /// <summary>Path of the file, for messages.</summary>
    public string File => file;

    /// <summary>The value of a key; null where it is missing or null.</summary>
    public JsonElement? Value(string key) =>
        element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Whether the key is there, be it null.</summary>
    public bool Has(string key) => element.TryGetProperty(key, out _);

    /// <summary>A whole number in a range; null where it is missing or null.</summary>
    public int? Integer(string key, int least, int most)
    {
        if (Value(key) is not { } value)
        {
            return null;
        }
        return WholeNumber(value, out var number) && number >= least && number <= most
            ? number
            : throw Unexpected(key, value, $"a whole number from {least} to {most}");
    }

    /// <summary>A number in a range; null where it is missing or null.</summary>
    public double? Number(string key, double least, double most)
    {
        if (Value(key) is not { } value)
        {
            return null;
        }
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most
            ? number
            : throw Unexpected(key, value, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"));
    }

    /// <summary>A truth value; null where it is missing or null.</summary>
    public bool? Flag(string key) => Value(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Unexpected(key, value, "true or false"),
    };

    /// <summary>A string; null where it is missing or null.</summary>
    public string? Text(string key) => Value(key) is { } value ? JsonFile.TextOf(file, Place(key), value) : null;

    /// <summary>A nested object; null where it is missing or null.</summary>
    public ConfigObject? Object(string key) => Value(key) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new ConfigObject(file, value, $"{Place(key)}."),
        { } value => throw Unexpected(key, value, "an object"),
    };

    /// <summary>A list of strings; null where it is missing or null.</summary>
    public List<string>? Texts(string key)
    {
        if (Value(key) is not { } value)
        {
            return null;
        }
        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Unexpected(key, value, "a list of strings");
        }
        var (path, place) = (file, Place(key));
        return value.EnumerateArray().Select(item => JsonFile.TextOf(path, place, item)).ToList();
    }

    /// <summary>A number or a list of numbers, each in a range; null where it is missing or null.</summary>
    public List<int>? Integers(string key, int least, int most)
    {
        if (Value(key) is not { } value)
        {
            return null;
        }
        var numbers = new List<int>();
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : Enumerable.Repeat(value, 1);
        foreach (var item in items)
        {
            numbers.Add(WholeNumber(item, out var number) && number >= least && number <= most
                ? number
                : throw Unexpected(key, item, $"whole numbers from {least} to {most}"));
        }
        return numbers;
    }

    /// <summary>The object's keys with their values.</summary>
    public IEnumerable<(string Key, JsonElement Value)> Entries()
    {
        var path = file;
        return element.EnumerateObject().Select(p => (JsonFile.NameOf(path, p), p.Value));
    }

    /// <summary>The error for a value that is not what it should be.</summary>
    public IccFormatException Unexpected(string key, JsonElement value, string expected) =>
        new(file, $"{Place(key)}: found {JsonFile.Describe(value)}, expected {expected}");

    /// <summary>The error for a key that has to be there.</summary>
    public IccFormatException Missing(string key, string expected) => new(file, $"{Place(key)}: missing, expected {expected}");

    /// <summary>The error for a value that this engine does not have.</summary>
    public IccUnsupportedException Unsupported(string key, string found, string expected) =>
        new($"{file}: {Place(key)}: found {found}, supported is {expected}");

    private string Place(string key) => $"{prefix}{key}";

    // Some writers put 32.0 where a whole number is meant.
    private static bool WholeNumber(JsonElement value, out int number)
    {
        number = 0;
        if (value.ValueKind != JsonValueKind.Number)
        {
            return false;
        }
        if (value.TryGetInt32(out number))
        {
            return true;
        }
        if (!value.TryGetDouble(out var real) || real != Math.Floor(real) || Math.Abs(real) > int.MaxValue)
        {
            return false;
        }
        number = (int)real;
        return true;
    }
}
