using System.Xml.Linq;
using IccEngine.Clustering;
using static IccEngine.Html;

namespace IccEngine;

/// <summary>A way in which the points are divided.</summary>
/// <param name="Name">Whose labels these are.</param>
/// <param name="Labels">[n].</param>
internal sealed record Labeling(string Name, int[] Labels)
{
    /// <summary>Number of different labels.</summary>
    public int Clusters { get; } = Labels.Distinct().Count();
}

/// <summary>How much labelings have in common.</summary>
internal static class Agreement
{
    /// <summary>Labelings of more clusters are not matched: it takes the cube of their number.</summary>
    private const int MostClusters = 500;

    /// <summary>Whether the labels can be compared.</summary>
    public static bool IsPossible(Labeling labeling) => labeling.Clusters <= MostClusters;

    /// <summary>[n]: labels renamed so that as many as possible agree with a reference.</summary>
    public static int[] Align(Labeling reference, Labeling other) =>
        IsPossible(reference) && IsPossible(other) ? LabelVoting.Align(reference.Labels, other.Labels) : other.Labels;

    /// <summary>Tables of the adjusted Rand index and of the accuracy by matching; null for fewer than two labelings.</summary>
    public static XElement? Section(IReadOnlyList<Labeling> labelings)
    {
        Labeling[] compared = [.. labelings.Where(IsPossible)];
        if (compared.Length < 2)
        {
            return null;
        }
        return Html.Section("Agreement between methods", Of("div", "pair",
            Matrix("Adjusted Rand index (1: the same clusters, 0: as by chance)", compared, (a, b) => Metrics.AdjustedRandIndex(a, b), "0.00"),
            Matrix("Points in the same cluster under the best matching, %", compared, (a, b) => 100 * Metrics.Accuracy(a, b), "0.0")));
    }

    private static XElement Matrix(string caption, Labeling[] labelings, Func<int[], int[], double> measure, string format)
    {
        var values = new double[labelings.Length, labelings.Length];
        for (var i = 0; i < labelings.Length; i++)
        {
            for (var j = i; j < labelings.Length; j++)
            {
                values[i, j] = values[j, i] = measure(labelings[i].Labels, labelings[j].Labels);
            }
        }
        var rows = labelings.Select((row, i) => new object[] { row.Name }.Concat(labelings.Select((_, j) => i == j ? "–" : Show(values[i, j], format))));
        return Table(caption, ["", .. labelings.Select(l => l.Name)], rows, "numbers");
    }
}
