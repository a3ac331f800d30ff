using System.Globalization;
using IccEngine.Core;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>
/// How names of methods say which attention is read: <c>attention-x1:layer=auto:kind=oo</c>, settings behind colons that the options of
/// the command line have too.
/// </summary>
internal static class AttentionSettings
{
    /// <summary>The keys, for people.</summary>
    public const string Choices = "layer=, head=, kind=, symmetrisation=, position=";

    /// <summary>Splits a name into that of the method and its settings.</summary>
    public static (string Name, string[] Settings) Split(string name)
    {
        var parts = name.Split(':', StringSplitOptions.TrimEntries);
        return (parts[0], parts[1..]);
    }

    /// <summary>Puts settings into those of a clustering.</summary>
    /// <exception cref="IccArgumentException">An unknown key, or a value that cannot be.</exception>
    public static ClusterOptions Apply(ClusterOptions options, IReadOnlyList<string> settings)
    {
        foreach (var setting in settings)
        {
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            var (key, value) = equals < 0 ? (setting, "") : (setting[..equals], setting[(equals + 1)..]);
            options = key switch
            {
                "layer" => options with { Layer = LayerSelection.Parse(value) },
                "head" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var head) => options with { Head = head },
                "kind" => options with { AffinityKind = Named<AffinityKind>(key, value) },
                "symmetrisation" => options with { Symmetrisation = Named<Symmetrisation>(key, value) },
                "position" => options with { PositionCorrection = Named<PositionCorrection>(key, value) },
                _ => throw new IccArgumentException($"attention: found '{setting.ReplaceLineEndings(" ")}', expected {Choices}"),
            };
        }
        return options;
    }

    private static T Named<T>(string key, string value) where T : struct, Enum
    {
        foreach (var name in Enum.GetNames<T>().Where(n => n.ToLowerInvariant() == value))
        {
            return Enum.Parse<T>(name);
        }
        throw new IccArgumentException(
            $"attention, {key}: found '{value.ReplaceLineEndings(" ")}', expected {string.Join(", ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}");
    }
}
