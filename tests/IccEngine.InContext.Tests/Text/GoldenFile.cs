using System.Text.Json;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Text;

internal static class GoldenFile
{
    /// <summary>A file of the clustering goldens; the test is skipped where the goldens do not have it.</summary>
    public static JsonDocument Read(string name)
    {
        var path = Goldens.At("clustering", name);
        Skip.If(!File.Exists(path), $"the goldens have no file {path}");
        return JsonDocument.Parse(File.ReadAllText(path));
    }

    /// <summary>A number, or the text that stands for one JSON does not have.</summary>
    public static double Number(JsonElement element) => element.ValueKind == JsonValueKind.Number
        ? element.GetDouble()
        : element.GetString() switch
        {
            "nan" => double.NaN,
            "inf" => double.PositiveInfinity,
            "-inf" => double.NegativeInfinity,
            var other => throw new NotSupportedException($"'{other}' as a number"),
        };
}
