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

/// <summary>How clearly the attention of a layer shows clusters, by what was found in it and without the true ones.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Eigengap">See <see cref="Clustering.AffinityScores"/>.</param>
/// <param name="Modularity">See <see cref="Clustering.AffinityScores"/>.</param>
/// <param name="Silhouette">See <see cref="Clustering.AffinityScores"/>.</param>
public sealed record LayerScore(int Layer, double Eigengap, double Modularity, double Silhouette)
{
    // The best of a grid of weights (-2 to 2 each) by the accuracy of the layer that is taken, with the embedded model and one order, on
    // generated episodes alone: t:c=2/3/4/5,d=1/2/3/4,df=1/2/5,count=4,seed=11 and anisotropic and imbalanced:c=2/3/4,d=2/3,count=5,
    // seeds 12 and 13. There 83.7 % of the points are right, 85.1 % with always its best layer, 85.9 % with each episode's best.
    private const double EigengapWeight = 1;
    private const double ModularityWeight = 1;
    private const double SilhouetteWeight = 2;

    /// <summary>What <see cref="LayerSelection.Auto"/> goes by: the layer with the largest is taken.</summary>
    public double Score => EigengapWeight * Eigengap + ModularityWeight * Modularity + SilhouetteWeight * Silhouette;
}
