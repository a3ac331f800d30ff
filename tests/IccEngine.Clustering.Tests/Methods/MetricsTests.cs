using FsCheck;
using FsCheck.Fluent;
using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class MetricsTests
{
    private delegate double Score(ReadOnlySpan<int> labelsTrue, ReadOnlySpan<int> labelsPred);

    private static readonly (string Name, Score Score, bool Symmetric)[] Scores =
    [
        ("accuracy", Metrics.Accuracy, true), ("purity", Metrics.Purity, false), ("rand", Metrics.RandIndex, true),
        ("ari", Metrics.AdjustedRandIndex, true), ("fm", Metrics.FowlkesMallows, true), ("mi", Metrics.MutualInfo, true),
        ("nmi", Metrics.NormalizedMutualInfo, true), ("ami", Metrics.AdjustedMutualInfo, true),
        ("homogeneity", Metrics.Homogeneity, false), ("completeness", Metrics.Completeness, false), ("v", Metrics.VMeasure, true),
    ];

    private static readonly Arbitrary<(int[] True, int[] Pred)> Labelings =
        Gen.Choose(1, 40).SelectMany(n => Gen.Choose(-3, 3).ArrayOf(n).SelectMany(a => Gen.Choose(-2, 5).ArrayOf(n).Select(b => (a, b)))).ToArbitrary();

    [Fact]
    public void Renaming_labels_and_reordering_points_change_no_score() => Prop.ForAll(Labelings, pair =>
    {
        int[] renamed = [.. pair.Pred.Select(l => unchecked(l * 1_000_003 + int.MinValue))];
        foreach (var (name, score, symmetric) in Scores)
        {
            var value = score(pair.True, pair.Pred);
            Near.Equal(value, score(pair.True, renamed), 1e-12, 0, $"{name} renamed");
            Near.Equal(value, score([.. pair.True.Reverse()], [.. pair.Pred.Reverse()]), 1e-12, 0, $"{name} reordered");
            Assert.True(!symmetric || Math.Abs(value - score(pair.Pred, pair.True)) <= 1e-12, $"{name} is not symmetric");
            Assert.True(value <= (name == "mi" ? 4 : 1 + 1e-12) && value >= (name is "ari" or "ami" ? -1.5 : 0), $"{name}: {value}");
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_labeling_agrees_with_itself() => Prop.ForAll(Labelings, pair =>
    {
        foreach (var (name, score, _) in Scores.Where(s => s.Name is not ("mi" or "fm")))
        {
            Near.Equal(1, score(pair.True, pair.True), 1e-12, 0, name);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pairs_are_counted_as_by_looking_at_each() => Prop.ForAll(Labelings, pair =>
    {
        var n = pair.True.Length;
        var expected = new long[2, 2];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                if (i != j)
                {
                    expected[pair.True[i] == pair.True[j] ? 1 : 0, pair.Pred[i] == pair.Pred[j] ? 1 : 0]++;
                }
            }
        }
        Assert.Equal(expected, Metrics.PairConfusion(pair.True, pair.Pred));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Many_labels_cost_neither_time_nor_memory_in_squares()
    {
        const int n = 30_000;
        var each = Enumerable.Range(0, n).ToArray();
        var paired = Array.ConvertAll(each, i => i / 2);
        Assert.Equal(1, Metrics.AdjustedMutualInfo(each, each));
        Assert.Equal(1, Metrics.AdjustedRandIndex(each, each));
        Near.Equal(0, Metrics.AdjustedMutualInfo(each, paired), 1e-9, 0, "ami of all different labels");
        Near.Equal(1, Metrics.Homogeneity(paired, each), 1e-12, 0, "homogeneity");
        Assert.Contains("expected a table of at most", Assert.Throws<IccArgumentException>(() => Metrics.Accuracy(each, paired)).Message);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        foreach (var (_, score, _) in Scores)
        {
            Assert.Contains("found no points", Assert.Throws<IccArgumentException>(() => score([], [])).Message);
            Assert.Contains("found 1 values, expected 2", Assert.Throws<IccArgumentException>(() => score([1, 2], [1])).Message);
        }
        Assert.Throws<IccArgumentException>(() => Metrics.Silhouette([1, 2, 3], 3, 1, [0, 1]));
        Assert.Throws<IccArgumentException>(() => Metrics.Silhouette([1, double.NaN, 3], 3, 1, [0, 1, 1]));
        Assert.Throws<IccArgumentException>(() => Metrics.Silhouette([], 0, 1, []));
        Assert.Contains("found 3 clusters of 3 points, expected between 2 and 2",
            Assert.Throws<IccArgumentException>(() => Metrics.DaviesBouldin([1, 2, 3], 3, 1, [0, 1, 2])).Message);
    }
}
