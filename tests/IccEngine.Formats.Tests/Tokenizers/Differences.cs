using System.Text.Json;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

/// <summary>Collects what differs, so that a failure shows more than its first case.</summary>
internal sealed class Differences
{
    private readonly List<string> found = [];
    private int checks;

    public void Check<T>(string label, string what, IEnumerable<T> expected, IEnumerable<T> actual)
    {
        checks++;
        if (!expected.SequenceEqual(actual))
        {
            found.Add($"{JsonSerializer.Serialize(label)} {what}:\n  expected {Show(expected)}\n  found    {Show(actual)}");
        }
    }

    public void AssertNone()
    {
        Assert.True(checks > 0, "the file has no case");
        Assert.True(found.Count == 0, $"{found.Count} of {checks} differ\n{string.Join("\n", found.Take(10))}");
    }

    private static string Show<T>(IEnumerable<T> values) => string.Join(' ', values.Select(v => v is string s ? JsonSerializer.Serialize(s) : v?.ToString() ?? "null"));
}
