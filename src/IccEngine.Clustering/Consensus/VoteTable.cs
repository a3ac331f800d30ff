using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Votes of labelings in common names 0, 1, ...: only those that were cast are kept, so that many labels cost no n x labels.</summary>
internal sealed class VoteTable(int n)
{
    private readonly Dictionary<int, double>[] _votes = [.. Enumerable.Range(0, n).Select(_ => new Dictionary<int, double>())];
    private int _names;

    /// <summary>The weight of the votes for a label of a point.</summary>
    public double Of(int point, int label) => _votes[point].GetValueOrDefault(label);

    /// <summary>Adds a labeling in common names; negative labels are no votes.</summary>
    public void Add(ReadOnlySpan<int> labels, double weight)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= 0)
            {
                _votes[i][labels[i]] = Of(i, labels[i]) + weight;
                _names = Math.Max(_names, labels[i] + 1);
            }
        }
    }

    /// <summary>[n]: the labels in the common names that give them the most votes, one to one; those left over get new names.</summary>
    public int[] Align(ReadOnlySpan<int> labels)
    {
        var ranks = ContingencyTable.Rank(labels, out var count);
        var values = labels.ToArray().Distinct().Order().ToArray();
        var first = values.Count(v => v < 0);
        if (_names > 0 && (long)(count - first) * _names > LinearAssignment.MaxEntries)
        {
            throw new IccArgumentException($"labels: found {_names} and {count - first} different ones, expected at most {LinearAssignment.MaxEntries} pairs of them");
        }
        var (names, rows) = (_names, count - first);
        var partner = new int[rows];
        Array.Fill(partner, -1);
        if (names > 0 && rows > 0)
        {
            var agreeing = new double[rows * names];
            for (var i = 0; i < ranks.Length; i++)
            {
                foreach (var (label, weight) in labels[i] < 0 ? [] : _votes[i])
                {
                    agreeing[(ranks[i] - first) * names + label] += weight;
                }
            }
            partner = LinearAssignment.Solve(agreeing, rows, names, maximize: true);
        }
        var next = names;
        for (var r = 0; r < rows; r++)
        {
            partner[r] = partner[r] < 0 ? next++ : partner[r];
        }
        var aligned = new int[labels.Length];
        for (var i = 0; i < aligned.Length; i++)
        {
            aligned[i] = labels[i] < 0 ? labels[i] : partner[ranks[i] - first];
        }
        return aligned;
    }

    /// <summary>[n]: the label with the most votes, the smaller one of several; -1 where there is no vote.</summary>
    public int[] Winners() =>
        [.. _votes.Select(v => v.Count == 0 ? -1 : v.OrderByDescending(p => p.Value).ThenBy(p => p.Key).First().Key)];
}
