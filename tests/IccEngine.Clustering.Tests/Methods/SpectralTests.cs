using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class SpectralTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    /// <summary>Points i and j are alike when i % c == j % c.</summary>
    private static double[] Planted(int n, int c, double within, double between, long seed)
    {
        var random = new SeededRandom(seed);
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < i; j++)
            {
                a[i * n + j] = a[j * n + i] = random.NextDouble() * (i % c == j % c ? within : between);
            }
        }
        return a;
    }

    private static int[] Planted(int n, int c) => [.. Enumerable.Range(0, n).Select(i => i % c)];

    [Theory]
    [InlineData(31, 2)]
    [InlineData(33, 3)]
    [InlineData(127, 4)]
    [InlineData(129, 5)]
    [InlineData(300, 3)]
    public void Planted_clusters_are_found_by_both_solvers_in_any_order_of_points(int n, int c)
    {
        var a = Planted(n, c, 4, 1, n);
        var random = new SeededRandom(c);
        var order = Enumerable.Range(0, n).OrderBy(_ => random.NextUInt64()).ToArray();
        var permuted = new double[n * n];
        for (var i = 0; i < n * n; i++)
        {
            permuted[i] = a[order[i / n] * n + order[i % n]];
        }
        foreach (var solver in Enum.GetValues<EigenSolver>())
        {
            var clustering = new SpectralClustering { NClusters = c, EigenSolver = solver };
            var labels = clustering.FitPredict(_backend, a, n).Labels;
            Near.SamePartition(Planted(n, c), labels, $"{solver}");
            Near.SamePartition([.. order.Select(i => labels[i])], clustering.FitPredict(_backend, permuted, n).Labels, $"{solver} permuted");
            Near.SamePartition(labels, clustering.FitPredict(_backend, Affinities.Upload(_backend, a, n, DType.F32)).Labels, $"{solver} in float32");
            Near.SamePartition(labels, clustering.FitPredict(_backend, Array.ConvertAll(a, v => v * 1e-200), n).Labels, $"{solver} scaled down");
        }
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 3)]
    [InlineData(7, 7)]
    public void Components_are_clusters_with_either_solver(int parts, int c)
    {
        const int size = 30;
        var n = parts * size;
        var a = Planted(n, parts, 1, 0, 3);
        foreach (var solver in new[] { EigenSolver.Dense, EigenSolver.Lanczos })
        {
            var result = new SpectralClustering { NClusters = c, EigenSolver = solver }.FitPredict(_backend, a, n);
            Assert.Contains(result.Warnings, w => w.Contains($"{parts} components, 0 points", StringComparison.Ordinal));
            Assert.All(result.Embedding.Eigenvalues, v => Near.Equal(0, v, 1e-12, 0, "eigenvalue"));
            Assert.Equal(c, result.Labels.Distinct().Count());
            // No component is torn apart.
            Assert.Equal(1, Metrics.Completeness(Planted(n, parts), result.Labels), 12);
        }
    }

    [Fact]
    public void Eigenvectors_beyond_the_components_are_found_with_either_solver()
    {
        const int n = 150, k = 6;
        var a = Planted(n, 3, 1, 0, 9);
        // A point without any weight has eigenvalue 1 and is no component.
        for (var i = 0; i < n; i++)
        {
            a[7 * n + i] = a[i * n + 7] = 0;
        }
        var dense = SpectralEmbedding.Fit(_backend, a, n, k, new SpectralOptions { EigenSolver = EigenSolver.Dense });
        var lanczos = SpectralEmbedding.Fit(_backend, a, n, k, new SpectralOptions { EigenSolver = EigenSolver.Lanczos });
        Near.Equal(dense.Eigenvalues, lanczos.Eigenvalues, 1e-11, 0, "eigenvalues");
        Assert.Equal(3, dense.Eigenvalues.Count(v => Math.Abs(v) < 1e-12));
        Assert.Equal(1, dense.SqrtDegree[7]);
        Assert.Contains(dense.Warnings, w => w.Contains("3 components, 1 points without any weight", StringComparison.Ordinal));
    }

    [Fact]
    public void Negative_weights_are_no_trouble_for_either_solver()
    {
        const int n = 100, k = 4;
        var a = Planted(n, 2, 1, 0, 4);
        // Each component holds two camps that repel each other: positive degrees, and an eigenvalue below 0.
        for (var i = 0; i < n * n; i++)
        {
            a[i] *= i / n / 2 % 2 == i % n / 2 % 2 ? 3 : -1;
        }
        var dense = SpectralEmbedding.Fit(_backend, a, n, k, new SpectralOptions { EigenSolver = EigenSolver.Dense });
        var lanczos = SpectralEmbedding.Fit(_backend, a, n, k, new SpectralOptions { EigenSolver = EigenSolver.Lanczos });
        Near.Equal(dense.Eigenvalues, lanczos.Eigenvalues, 1e-10, 0, "eigenvalues");
        Assert.True(dense.Eigenvalues[0] < -1e-3, "the case was meant to have negative eigenvalues");
    }

    [Fact]
    public void Columns_point_up_and_the_first_is_constant()
    {
        const int n = 90, k = 4;
        var embedding = SpectralEmbedding.Fit(_backend, Planted(n, 3, 3, 1, 8), n, k);
        for (var c = 0; c < k; c++)
        {
            var column = Enumerable.Range(0, n).Select(i => embedding.Embedding[i * k + c]).ToArray();
            Assert.True(column.MaxBy(Math.Abs) > 0);
            Near.Equal([.. column.Select((v, i) => v * embedding.SqrtDegree[i])], embedding.Eigenvectors.AsSpan(c * n, n), 1e-14, 0, "vector");
            Assert.True(c > 0 || column.Max() - column.Min() < 1e-12);
        }
    }

    [Fact]
    public void As_many_clusters_as_points_and_a_single_cluster_work()
    {
        foreach (var n in new[] { 2, 3, 31, 70 })
        {
            var a = Planted(n, 2, 2, 1, 1);
            Assert.Equal(n, new SpectralClustering { NClusters = n }.FitPredict(_backend, a, n).Labels.Distinct().Count());
            Assert.All(new SpectralClustering { NClusters = 1 }.FitPredict(_backend, a, n).Labels, label => Assert.Equal(0, label));
        }
    }

    [Fact]
    public void Equal_seeds_give_equal_labels()
    {
        var a = Planted(200, 5, 1.1, 1, 6);
        var clustering = new SpectralClustering { NClusters = 5, RandomState = 42 };
        Assert.Equal(clustering.FitPredict(_backend, a, 200).Labels, clustering.FitPredict(_backend, a, 200).Labels);
        using var three = new CpuBackend(3);
        Assert.Equal(clustering.FitPredict(_backend, a, 200).Labels, clustering.FitPredict(three, a, 200).Labels);
    }

    [Theory]
    [InlineData(700, 3)]
    [InlineData(1000, 5)]
    public void The_matrix_is_not_copied_to_the_host(int n, int c)
    {
        using var backend = new CountingBackend(new CpuBackend(2));
        var affinity = Affinities.Upload(backend, Planted(n, c, 4, 1, n), n);
        var result = new SpectralClustering { NClusters = c }.FitPredict(backend, affinity);
        Near.SamePartition(Planted(n, c), result.Labels, "labels");
        // The degrees, and the basis of the two searches that Lanczos makes: one for the pairs, one for missed copies.
        Assert.InRange(backend.ElementsRead, n, 2 * 162L * n + n);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        void Refused(string part, double[] a, int n, int c) =>
            Assert.Contains(part, Assert.Throws<IccArgumentException>(() => new SpectralClustering { NClusters = c }.FitPredict(_backend, a, n)).Message);
        double[] two = [0, 1, 1, 0];
        Refused("found 0 points, expected at least 2", [], 0, 1);
        Refused("found 1 points, expected at least 2", [0], 1, 1);
        Refused("found 4 values, expected 3 x 3 = 9", two, 3, 2);
        Refused("nClusters: found 3, expected between 1 and 2", two, 2, 3);
        Refused("nClusters: found 0", two, 2, 0);
        Refused("row 0, column 1: found NaN", [0, double.NaN, 1, 0], 2, 2);
        Refused("row 1, column 0: found Infinity", [0, 1, double.PositiveInfinity, 0], 2, 2);
        Refused("row 0: found weights that sum to -1", [0, -1, -1, 0], 2, 2);
        Refused("found weights that sum to Infinity", [0, 1e308, 1e308, 1e308, 0, 1e308, 1e308, 1e308, 0], 3, 2);
        Assert.Throws<IccArgumentException>(() => SpectralEmbedding.Fit(_backend, two, 2, 3));
    }

    [Fact]
    public void The_eigengap_refuses_what_it_cannot_answer()
    {
        Assert.Equal(2, Eigengap.Choose([0, 0.1, 0.9, 1]));
        Assert.Equal(1, Eigengap.Choose([0, 0.5, 0.9, 1], from: 1));
        Assert.Equal(2, Eigengap.Choose([0, 1, 2, 3]));
        Assert.Throws<IccArgumentException>(() => Eigengap.Choose([0, 0.1]));
        Assert.Throws<IccArgumentException>(() => Eigengap.Choose([], from: 1));
        Assert.Throws<IccArgumentException>(() => Eigengap.Choose([0, 1, 2], from: 0));
        Assert.Throws<IccArgumentException>(() => Eigengap.Choose([0, 1, 0.5, 2]));
        Assert.Throws<IccArgumentException>(() => Eigengap.Choose([0, double.NaN, 0.5, 2]));
    }
}
