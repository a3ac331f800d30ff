using System.Globalization;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>Which layers' attention is read: one, the mean over several that follow one another, or the one that shows clusters best.</summary>
public readonly record struct LayerSelection
{
    private LayerSelection(int first, int last, bool isAuto) => (First, Last, IsAuto) = (first, last, isAuto);

    /// <summary>The layer that shows clusters best, by a score that knows no true clusters (<see cref="LayerScore"/>).</summary>
    public static LayerSelection Auto { get; } = new(0, 0, true);

    /// <summary>First layer.</summary>
    public int First { get; }

    /// <summary>Last layer.</summary>
    public int Last { get; }

    /// <summary>Whether the layer is to be found.</summary>
    public bool IsAuto { get; }

    /// <summary>One layer.</summary>
    public static implicit operator LayerSelection(int layer) => new(layer, layer, false);

    /// <summary>Several layers, whose affinities are averaged.</summary>
    /// <exception cref="IccArgumentException">The last is before the first.</exception>
    public static LayerSelection Range(int first, int last) =>
        first <= last ? new(first, last, false) : throw new IccArgumentException($"layers {first}-{last}: expected the last not to be before the first");

    /// <summary>Reads "auto", a layer, or a first and a last one: "13-30".</summary>
    /// <exception cref="IccArgumentException">Something else stands there.</exception>
    public static LayerSelection Parse(string text)
    {
        if (text.Trim() == "auto")
        {
            return Auto;
        }
        var ends = text.Split('-');
        bool Read(string end, out int layer) => int.TryParse(end.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out layer);
        return ends.Length <= 2 && Read(ends[0], out var first) && Read(ends[^1], out var last)
            ? Range(first, last)
            : throw new IccArgumentException($"layer: found '{text.ReplaceLineEndings(" ")}', expected auto, a layer like 3, or layers like 13-30");
    }

    /// <summary>The layers, of a model that has so many.</summary>
    /// <exception cref="IccArgumentException">A layer that is not there.</exception>
    internal int[] Of(int layers)
    {
        if (IsAuto)
        {
            return [.. Enumerable.Range(0, layers)];
        }
        var wrong = First < 0 || First >= layers ? First : Last;
        return First >= 0 && Last < layers
            ? [.. Enumerable.Range(First, Last - First + 1)]
            : throw new IccArgumentException($"layer {wrong}: expected 0 to {layers - 1}");
    }
}
