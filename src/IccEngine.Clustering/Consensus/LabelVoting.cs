using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What several labelings agree on.</summary>
/// <param name="Labels">[n], numbered by first appearance; -1 where every labeling has noise.</param>
/// <param name="Shares">[n]: the share of the labelings, by weight, that give a point its label.</param>
/// <param name="Aligned">The labelings in the names of <paramref name="Labels"/>.</param>
public sealed record LabelVotes(int[] Labels, double[] Shares, IReadOnlyList<int[]> Aligned);

/// <summary>Labelings made comparable by renaming their labels (Hungarian method), and voted on.</summary>
public static class LabelVoting
{
    private const int MostRounds = 10;

    /// <summary>Renames labels so that as many as possible agree with a reference.</summary>
    /// <param name="reference">[n].</param>
    /// <param name="labels">[n].</param>
    /// <returns>[n]: labels left without a partner get numbers above all of the reference; a negative label stays.</returns>
    /// <exception cref="IccArgumentException">No points, different lengths, or more than 2^24 pairs of labels.</exception>
    public static int[] Align(ReadOnlySpan<int> reference, ReadOnlySpan<int> labels)
    {
        Check.Length(labels.Length, reference.Length, "labels");
        var votes = new VoteTable(reference.Length);
        votes.Add(reference, 1);
        return votes.Align(labels);
    }

    /// <summary>
    /// Aligns all labelings with the first, then with what they agree on, until that repeats; each point takes the label with the most votes,
    /// of several the smaller one.
    /// </summary>
    /// <param name="labelings">At least one, all of n labels; a negative label is no vote.</param>
    /// <param name="weights">One a labeling, 0 or more, not all 0; null for equal ones.</param>
    /// <exception cref="IccArgumentException">No labelings, no points, lists of different lengths, wrong weights, or more than 2^24 pairs of
    /// labels in two of them.</exception>
    public static LabelVotes Vote(IReadOnlyList<int[]> labelings, IReadOnlyList<double>? weights = null)
    {
        var n = Labelings.Check(labelings);
        var total = CheckWeights(labelings.Count, weights);
        // The heaviest labeling goes first: the others are added to it one by one.
        var order = Enumerable.Range(0, labelings.Count).OrderByDescending(m => weights?[m] ?? 1).ToArray();
        var votes = new VoteTable(n);
        foreach (var m in order)
        {
            votes.Add(votes.Align(labelings[m]), weights?[m] ?? 1);
        }
        var labels = votes.Winners();
        for (var round = 0; round < MostRounds; round++)
        {
            var again = new VoteTable(n);
            foreach (var labeling in labelings.Select((l, m) => (Aligned: votes.Align(l), Weight: weights?[m] ?? 1)))
            {
                again.Add(labeling.Aligned, labeling.Weight);
            }
            votes = again;
            var found = votes.Winners();
            if (found.AsSpan().SequenceEqual(labels))
            {
                break;
            }
            labels = found;
        }
        return Describe(labelings, votes, labels, total);
    }

    private static LabelVotes Describe(IReadOnlyList<int[]> labelings, VoteTable votes, int[] labels, double total)
    {
        var named = FirstAppearance.Number(labels);
        var (names, next) = (new Dictionary<int, int>(), named.Max() + 1);
        for (var i = 0; i < labels.Length; i++)
        {
            names[labels[i]] = named[i];
        }
        // Labels that won nowhere follow those that did.
        int Name(int label) => label < 0 ? label : names.TryGetValue(label, out var name) ? name : names[label] = next++;
        var shares = new double[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            shares[i] = labels[i] < 0 ? 0 : votes.Of(i, labels[i]) / total;
        }
        return new LabelVotes(named, shares, [.. labelings.Select(l => Array.ConvertAll(votes.Align(l), Name))]);
    }

    private static double CheckWeights(int count, IReadOnlyList<double>? weights)
    {
        if (weights is null)
        {
            return count;
        }
        Check.Length(weights.Count, count, "weights");
        var total = weights.Sum();
        return weights.All(w => w >= 0) && total > 0 && double.IsFinite(total)
            ? total
            : throw new IccArgumentException("weights: expected numbers of 0 or more with a finite sum above 0");
    }
}
