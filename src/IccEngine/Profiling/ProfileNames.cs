using System.Globalization;

namespace IccEngine;

/// <summary>What a weight's name in the checkpoint says of the operation that reads it.</summary>
internal static class ProfileNames
{
    /// <summary>The table of the embedding.</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>The output matrix.</summary>
    public const string Head = "lm_head";

    private const string Layers = "model.layers.";

    /// <summary>"model.layers.3.self_attn.q_proj.weight" is q_proj of layer 3, "model.norm.weight" norm outside the layers.</summary>
    public static Place Parse(string name)
    {
        int? layer = null;
        if (name.StartsWith(Layers, StringComparison.Ordinal))
        {
            var number = name.AsSpan(Layers.Length);
            var end = number.IndexOf('.');
            layer = end > 0 && int.TryParse(number[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var found) ? found : null;
        }
        var parts = name.Split('.');
        return new Place(parts is [.., var module, "weight"] ? module : parts[^1], layer);
    }

    /// <summary>An operation and its layer, if it is in one.</summary>
    public readonly record struct Place(string Operation, int? Layer);
}
