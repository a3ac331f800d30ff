using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class HdbscanGoldens
{
    private const double Weights = 1e-12;
    private const double Probability = 1e-9;
    private const double LeastAgreement = 0.6;

    public static TheoryData<string?> Cases() => GoldenFile.Names("hdbscan.json");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Trees_labels_and_probabilities_are_those_of_both_libraries(string? name)
    {
        var golden = GoldenFile.Case(name, "hdbscan.json");
        var (n, d) = (golden.Int("n"), golden.Int("d"));
        var x = golden.Numbers("x");
        foreach (var run in golden.GetProperty("runs").EnumerateArray())
        {
            var hdbscan = new Hdbscan
            {
                MinClusterSize = run.Int("min_cluster_size"),
                MinSamples = run.Int("min_samples_sklearn"),
                ClusterSelectionMethod = Enum.Parse<ClusterSelectionMethod>(run.Text("selection")!, ignoreCase: true),
            };
            var what = $"{name}, {hdbscan.MinClusterSize}, {hdbscan.MinSamples}, {hdbscan.ClusterSelectionMethod}";
            var found = hdbscan.Fit(x, n, d);
            if (run.GetProperty("core_distances").ValueKind == System.Text.Json.JsonValueKind.Array)
            {
                Near.Equal(run.Numbers("core_distances"), found.CoreDistances, Weights, Weights, $"{what} core distances");
            }
            Near.Equal(run.Numbers("mst_weights_sorted"), found.SpanningTreeWeights, Weights, Weights, $"{what} weights");
            var expected = run.GetProperty("sklearn");
            var labels = expected.Ints("labels");
            if (run.GetProperty("libraries_agree").GetBoolean())
            {
                Assert.Equal(labels, found.Labels);
                Near.Equal(expected.Numbers("probabilities"), found.Probabilities, Probability, 0, $"{what} probabilities");
            }
            else
            {
                var bound = Math.Min(LeastAgreement, run.GetProperty("hdbscan_minus_1").Number("ari_with_sklearn"));
                var agreement = Metrics.AdjustedRandIndex(labels, found.Labels);
                Assert.True(agreement >= bound, $"{what}: ARI {agreement}, bound {bound}");
            }
            Assert.Equal(found.Labels.Select(l => l < 0), found.Probabilities.Select(p => p == 0));
        }
    }
}
