using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using MathNet.Numerics.LinearAlgebra;
using Xunit;

namespace IccEngine.Clustering.Tests;

[Trait("Category", "Goldens")]
public class SpectralGoldens
{
    private const double Values = 1e-9;
    private const double Entries = 1e-6;
    private const double Cosine = 1 - 1e-8;

    /// <summary>Eigenvalues nearer than this are a group, compared as a subspace.</summary>
    private const double Separated = 1e-6;

    public static IEnumerable<object?[]> Cases() => GoldenFile.OnBackends("spectral", "spectral.json");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void The_dense_solver_finds_the_whole_spectrum(string? name, string subject)
    {
        var golden = GoldenFile.Case(name, "spectral", "spectral.json");
        using var tensors = GoldenFile.Tensors("spectral", "spectral.safetensors");
        using var backend = TestBackends.Create(subject);
        var n = golden.Int("n");
        var embedding = SpectralEmbedding.Fit(backend, AffinityOf(backend, golden), n, n, new SpectralOptions { EigenSolver = EigenSolver.Dense });
        Near.Equal(tensors.Doubles($"{name}.eigenvalues"), embedding.Eigenvalues, Values, 0, "eigenvalues");
        Near.Equal(golden.Numbers("eigenvalues_first_12"), embedding.Eigenvalues.Take(12).ToArray(), Values, 0, "first eigenvalues");
        var candidates = golden.Int("eigengap_candidates");
        Near.Equal(golden.Numbers("gap_below_k"), [.. Enumerable.Range(1, candidates).Select(k => embedding.Eigenvalues[k] - embedding.Eigenvalues[k - 1])],
            2 * Values, 0, "gaps");
        Assert.Equal(golden.Int("eigengap_k"), Eigengap.Choose(embedding.Eigenvalues, 1));
        Assert.Equal(golden.Int("eigengap_k_from_2"), Eigengap.Choose(embedding.Eigenvalues));
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Both_solvers_find_the_embedding(string? name, string subject)
    {
        var golden = GoldenFile.Case(name, "spectral", "spectral.json");
        using var tensors = GoldenFile.Tensors("spectral", "spectral.safetensors");
        using var backend = TestBackends.Create(subject);
        var (n, k) = (golden.Int("n"), golden.Int("k"));
        var affinity = AffinityOf(backend, golden);
        var spectrum = tensors.Doubles($"{name}.eigenvalues");
        var degree = tensors.Doubles($"{name}.sqrt_degree");
        var vectors = Matrix<double>.Build.DenseOfRowMajor(n, k, tensors.Doubles($"{name}.eigenvectors"));
        var rows = Matrix<double>.Build.DenseOfRowMajor(n, k, tensors.Doubles($"{name}.embedding"));
        foreach (var solver in new[] { EigenSolver.Dense, EigenSolver.Lanczos })
        {
            var found = SpectralEmbedding.Fit(backend, affinity, n, k, new SpectralOptions { EigenSolver = solver });
            Near.Equal(spectrum.Take(k).ToArray(), found.Eigenvalues, Values, 0, $"{solver} eigenvalues");
            Near.Equal(degree, found.SqrtDegree, 0, 1e-12, $"{solver} square-root degrees");
            var foundVectors = Matrix<double>.Build.DenseOfRowMajor(k, n, found.Eigenvectors).Transpose();
            var foundRows = Matrix<double>.Build.DenseOfRowMajor(n, k, found.Embedding);
            if (golden.GetProperty("simple_spectrum_up_to_k").GetBoolean())
            {
                for (var c = 0; c < k; c++)
                {
                    EqualUpToSign(vectors.Column(c), foundVectors.Column(c), $"{solver} eigenvector {c}");
                    EqualUpToSign(rows.Column(c), foundRows.Column(c), $"{solver} column {c}");
                }
            }
            var turnedBack = Matrix<double>.Build.Diagonal(degree) * foundRows;
            for (int from = 0, to; from < k; from = to)
            {
                to = from + 1;
                while (to < n && spectrum[to] - spectrum[to - 1] < Separated)
                {
                    to++;
                }
                if (to <= k)
                {
                    SameSpace(vectors, foundVectors, from, to, $"{solver} eigenvectors");
                    SameSpace(vectors, turnedBack, from, to, $"{solver} embedding");
                }
            }
        }
    }

    private static void SameSpace(Matrix<double> expected, Matrix<double> found, int from, int to, string what)
    {
        var (a, b) = (expected.SubMatrix(0, expected.RowCount, from, to - from), found.SubMatrix(0, found.RowCount, from, to - from));
        var least = (a.Transpose() * b).Svd().S.Min();
        Assert.True(least >= Cosine, $"{what} {from}..{to - 1}: least cosine {least:R}");
    }

    private static void EqualUpToSign(Vector<double> expected, Vector<double> found, string what) =>
        Near.Equal(expected.ToArray(), (found * Math.Sign(expected.DotProduct(found))).ToArray(), Entries, 0, what);

    /// <summary>The affinity of the file, or of the block map of the same name.</summary>
    private static double[] AffinityOf(IBackend backend, JsonElement golden)
    {
        var name = golden.Text("name");
        using var tensors = GoldenFile.Tensors("spectral", "spectral.safetensors");
        if (tensors.TryGet($"{name}.affinity", out _))
        {
            return tensors.Doubles($"{name}.affinity");
        }
        Skip.IfNot(File.Exists(Testing.Goldens.At("clustering", "affinity", "block_maps.json")), "block_maps.json is missing");
        var map = new BlockMap(GoldenFile.Case(name, "affinity", "block_maps.json"));
        return Affinities.Of(backend, map.Pooled(), map.N);
    }
}
