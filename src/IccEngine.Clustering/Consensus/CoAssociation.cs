using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>How often points are together over several labelings of them (Fred and Jain 2005): an affinity that needs no alignment of labels.</summary>
public static class CoAssociation
{
    /// <summary>The share of the labelings in which two points have the same label; 1 on the diagonal.</summary>
    /// <param name="labelings">At least one, all of n labels; a negative label (noise, padding) is together with nothing.</param>
    /// <returns>[n, n] row-major, symmetric, each in 0 to 1.</returns>
    /// <exception cref="IccArgumentException">No labelings, no points, or lists of different lengths.</exception>
    /// <exception cref="IccMemoryException">There is no room for the matrix.</exception>
    public static double[] Matrix(IReadOnlyList<int[]> labelings)
    {
        var n = Labelings.Check(labelings);
        var together = Workspace.Doubles((long)n * n, $"the co-association of {n} points");
        foreach (var labels in labelings)
        {
            for (var i = 0; i < n; i++)
            {
                var row = together.AsSpan(i * n, n);
                for (var j = 0; j < i; j++)
                {
                    row[j] += labels[i] == labels[j] && labels[i] >= 0 ? 1 : 0;
                }
            }
        }
        for (var i = 0; i < n; i++)
        {
            together[i * n + i] = 1;
            for (var j = 0; j < i; j++)
            {
                together[j * n + i] = together[i * n + j] /= labelings.Count;
            }
        }
        return together;
    }
}
