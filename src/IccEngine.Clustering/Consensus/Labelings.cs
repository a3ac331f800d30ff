using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Checks of several labelings of the same points.</summary>
internal static class Labelings
{
    /// <summary>The number of points, the same in all of them.</summary>
    public static int Check(IReadOnlyList<int[]> labelings)
    {
        if (labelings.Count == 0 || labelings[0].Length == 0)
        {
            throw new IccArgumentException($"labelings: found {labelings.Count} of {(labelings.Count == 0 ? "nothing" : "no points")}, expected at least 1 of at least 1 point");
        }
        for (var i = 1; i < labelings.Count; i++)
        {
            Clustering.Check.Length(labelings[i].Length, labelings[0].Length, $"labeling {i}");
        }
        return labelings[0].Length;
    }
}
