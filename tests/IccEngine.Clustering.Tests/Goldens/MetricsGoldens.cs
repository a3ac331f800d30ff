using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class MetricsGoldens
{
    private const double Absolute = 1e-9;

    public static TheoryData<string?> Labels() => GoldenFile.Names("metrics_labels.json");

    public static TheoryData<string?> Points() => GoldenFile.Names("metrics_silhouette.json");

    [SkippableTheory]
    [MemberData(nameof(Labels))]
    public void Scores_of_two_labelings(string? name)
    {
        var golden = GoldenFile.Case(name, "metrics_labels.json");
        var (truth, found) = (golden.Ints("true"), golden.Ints("pred"));
        void Check(string score, double value) => Near.Equal(golden.Number(score), value, Absolute, 0, score);
        Check("accuracy", Metrics.Accuracy(truth, found));
        Check("purity", Metrics.Purity(truth, found));
        Check("ari", Metrics.AdjustedRandIndex(truth, found));
        Check("rand", Metrics.RandIndex(truth, found));
        Check("nmi", Metrics.NormalizedMutualInfo(truth, found));
        Check("ami", Metrics.AdjustedMutualInfo(truth, found));
        Check("mi_nats", Metrics.MutualInfo(truth, found));
        Check("homogeneity", Metrics.Homogeneity(truth, found));
        Check("completeness", Metrics.Completeness(truth, found));
        Check("v", Metrics.VMeasure(truth, found));
        Check("fowlkes_mallows", Metrics.FowlkesMallows(truth, found));
        Assert.Equal(golden.Ints("pair_confusion"), Metrics.PairConfusion(truth, found).Cast<long>().Select(v => (int)v));
    }

    [SkippableTheory]
    [MemberData(nameof(Points))]
    public void Scores_of_labelled_points(string? name)
    {
        var golden = GoldenFile.Case(name, "metrics_silhouette.json");
        var (x, labels) = (golden.Numbers("x"), golden.Ints("labels"));
        var (n, d) = (labels.Length, x.Length / labels.Length);
        if (golden.Text("error") is not null)
        {
            Assert.Throws<IccArgumentException>(() => Metrics.Silhouette(x, n, d, labels));
            Assert.Throws<IccArgumentException>(() => Metrics.CalinskiHarabasz(x, n, d, labels));
            Assert.Throws<IccArgumentException>(() => Metrics.DaviesBouldin(x, n, d, labels));
            return;
        }
        Near.Equal(golden.Number("silhouette"), Metrics.Silhouette(x, n, d, labels), Absolute, 0, "silhouette");
        Near.Equal(golden.Numbers("per_point"), Metrics.SilhouetteSamples(x, n, d, labels), Absolute, 0, "per point");
        Near.Equal(golden.Number("davies_bouldin"), Metrics.DaviesBouldin(x, n, d, labels), Absolute, 0, "Davies-Bouldin");
        // A ratio without bounds: relative where it is large.
        Near.Equal(golden.Number("calinski_harabasz"), Metrics.CalinskiHarabasz(x, n, d, labels), Absolute, Absolute, "Calinski-Harabasz");
    }
}
