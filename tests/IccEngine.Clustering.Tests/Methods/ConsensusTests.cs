using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class ConsensusTests
{
    [Fact]
    public void Together_counts_over_labelings()
    {
        var matrix = CoAssociation.Matrix([[0, 0, 1], [5, 5, 5], [-1, -1, 2], [3, 4, 4]]);
        Assert.Equal([1, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 1], matrix);
    }

    [Fact]
    public void Alignment_renames_one_to_one_for_the_most_agreement()
    {
        Assert.Equal([0, 0, 1, 1, 2], LabelVoting.Align([0, 0, 1, 1, 2], [7, 7, 3, 3, 0]));
        // A cluster more than the reference has takes a new name; noise stays.
        Assert.Equal([0, 0, 1, 1, 2, -1], LabelVoting.Align([0, 0, 1, 1, 1, 1], [4, 4, 1, 1, 0, -1]));
        var random = new SeededRandom(3);
        for (var trial = 0; trial < 50; trial++)
        {
            var (n, k) = (1 + random.Next(40), 1 + random.Next(6));
            var (reference, labels) = (Draw(random, n, k), Draw(random, n, k));
            var aligned = LabelVoting.Align(reference, labels);
            Near.SamePartition(labels, aligned, "aligned");
            Near.Equal(Metrics.Accuracy(reference, labels), (double)reference.Zip(aligned).Count(p => p.First == p.Second) / n, 1e-12, 0, "agreement");
        }
    }

    [Fact]
    public void Votes_put_right_what_single_labelings_get_wrong()
    {
        var random = new SeededRandom(5);
        var truth = Enumerable.Range(0, 200).Select(i => i % 4).ToArray();
        var labelings = Enumerable.Range(0, 15).Select(_ =>
        {
            var names = random.Permutation(4);
            return Array.ConvertAll(truth, l => random.NextDouble() < 0.7 ? names[l] : random.Next(4));
        }).ToArray();
        var votes = LabelVoting.Vote(labelings);
        var single = labelings.Max(l => Metrics.Accuracy(truth, l));
        Assert.True(Metrics.Accuracy(truth, votes.Labels) > 0.98, $"voted {Metrics.Accuracy(truth, votes.Labels)}, best single {single}");
        Assert.True(single < 0.9);
        for (var i = 0; i < truth.Length; i++)
        {
            Near.Equal(votes.Aligned.Average(l => l[i] == votes.Labels[i] ? 1.0 : 0), votes.Shares[i], 1e-12, 0, $"share of {i}");
        }
        Assert.Equal(0, votes.Labels[0]);
        for (var m = 0; m < labelings.Length; m++)
        {
            Near.SamePartition(labelings[m], votes.Aligned[m], $"labeling {m}");
        }
    }

    [Fact]
    public void Weights_decide_and_noise_does_not_vote()
    {
        var heavy = LabelVoting.Vote([[0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 1]], [5, 1, 1]);
        Assert.Equal([0, 0, 0, 1], heavy.Labels);
        Near.Equal([1, 5.0 / 7, 5.0 / 7, 1], heavy.Shares, 1e-12, 0, "shares");
        var noise = LabelVoting.Vote([[-1, 0, 1], [-1, 0, -1]]);
        Assert.Equal([-1, 0, 1], noise.Labels);
        Near.Equal([0, 1, 0.5], noise.Shares, 0, 0, "shares");
        Assert.Equal([-1, -1], LabelVoting.Vote([[-1, -1]]).Labels);
    }

    [Fact]
    public void Many_labels_cost_no_square_of_them_and_wrong_arguments_are_refused()
    {
        const int n = 20_000;
        var alone = Enumerable.Range(0, n).ToArray();
        Assert.Contains("expected at most", Assert.Throws<IccArgumentException>(() => LabelVoting.Align(alone, alone)).Message);
        void Refused(string part, Action act) => Assert.Contains(part, Assert.Throws<IccArgumentException>(act).Message);
        Refused("labelings: found 0", () => LabelVoting.Vote([]));
        Refused("no points", () => CoAssociation.Matrix([[]]));
        Refused("labeling 1: found 1 values, expected 2", () => LabelVoting.Vote([[1, 2], [1]]));
        Refused("weights: found 1 values, expected 2", () => LabelVoting.Vote([[1], [1]], [1]));
        Refused("weights", () => LabelVoting.Vote([[1], [1]], [0, 0]));
        Refused("weights", () => LabelVoting.Vote([[1], [1]], [2, -1]));
        Refused("labels: found 1", () => LabelVoting.Align([1, 2], [1]));
        Assert.Throws<IccMemoryException>(() => CoAssociation.Matrix([new int[1 << 20]]));
    }

    private static int[] Draw(SeededRandom random, int n, int k) => [.. Enumerable.Range(0, n).Select(_ => random.Next(k))];
}
