using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class LanczosTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        // It takes norms of products as they come, and cannot scale what it does not see.
        foreach (var kind in Matrices.Kinds.Where(kind => kind != "huge"))
        {
            foreach (var n in new[] { 1, 2, 3, 31, 33, 127, 128, 129, 256, 400 })
            {
                data.Add(kind, n);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_the_dense_solver_copies_of_multiple_eigenvalues_included(string kind, int n)
    {
        var a = Matrices.Make(kind, n);
        var all = SymmetricEigen.Dense(a, n).Values.Reverse().ToArray();
        var size = all.Max(Math.Abs);
        foreach (var k in new[] { 1, 2, 5, 9, n / 3, n }.Where(k => k >= 1 && k <= n && (k <= 9 || n <= 129)).Distinct())
        {
            var found = Largest(a, n, k);
            Assert.True(found.Converged, $"k {k}: not converged after {found.Products} products");
            Near.Equal(all[..k], found.Pairs.Values, 1e-11 * size, 0, $"k {k} eigenvalues");
            SymmetricEigenTests.CheckPairs(a, n, found.Pairs, 1e-11 * size + double.Epsilon);
        }
    }

    [Fact]
    public void A_restarted_search_agrees_with_the_dense_solver()
    {
        // A chain has the narrowest gaps at its end of the spectrum: one basis does not suffice.
        const int n = 600;
        var a = new double[n * n];
        for (var i = 1; i < n; i++)
        {
            a[i * n + i - 1] = a[(i - 1) * n + i] = 1;
        }
        var found = Largest(a, n, 4);
        Assert.True(found.Converged);
        Assert.True(found.Products > 200, $"{found.Products} products: no restart was needed");
        double[] expected = [.. Enumerable.Range(1, 4).Select(j => 2 * Math.Cos(Math.PI * j / (n + 1)))];
        Near.Equal(expected, found.Pairs.Values, 1e-11, 0, "eigenvalues");
        SymmetricEigenTests.CheckPairs(a, n, found.Pairs, 1e-11);
    }

    [Fact]
    public void Known_vectors_are_left_out()
    {
        const int n = 129;
        var a = Matrices.Make("random", n);
        var all = SymmetricEigen.Dense(a, n);
        var known = all.Vectors[((n - 2) * n)..];
        var found = Largest(a, n, 3, new LanczosOptions { Known = known });
        Near.Equal([all.Values[n - 3], all.Values[n - 4], all.Values[n - 5]], found.Pairs.Values, 1e-12, 0, "eigenvalues");
        Assert.Throws<IccArgumentException>(() => Largest(a, n, n - 1, new LanczosOptions { Known = known }));
        Array.Fill(known, double.NaN);
        Assert.Throws<IccArgumentException>(() => Largest(a, n, 3, new LanczosOptions { Known = known }));
    }

    [Fact]
    public void Few_products_are_taken_and_the_limit_is_kept()
    {
        const int n = 400;
        var a = Matrices.Make("random", n);
        var found = Largest(a, n, 5);
        Assert.True(found.Products <= n, $"{found.Products} products for 5 pairs of order {n}");
        var cut = Largest(a, n, 5, new LanczosOptions { MaxProducts = 20 });
        Assert.False(cut.Converged);
        Assert.True(cut.Products <= 40, $"{cut.Products} products, limit 20 and a last step");
        Assert.Equal(5, cut.Pairs.Values.Length);
    }

    [Fact]
    public void Equal_seeds_and_any_number_of_threads_give_equal_bits()
    {
        const int n = 800;
        var a = Matrices.Make("random", n);
        var one = Largest(a, n, 3);
        using var backend = new CpuBackend(3);
        var three = Lanczos.Largest(backend, Affinities.Upload(backend, a, n), 3);
        Assert.Equal(one.Pairs.Values, three.Pairs.Values);
        Assert.Equal(one.Pairs.Vectors, three.Pairs.Vectors);
    }

    [Theory]
    [InlineData("random", 129)]
    [InlineData("random", 400)]
    [InlineData("repeated blocks", 33)]
    [InlineData("low rank", 127)]
    [InlineData("identity", 31)]
    public void Float32_matrices_give_what_their_digits_allow(string kind, int n)
    {
        var a = Matrices.Make(kind, n);
        var all = SymmetricEigen.Dense(a, n).Values.Reverse().ToArray();
        var found = Lanczos.Largest(_backend, Affinities.Upload(_backend, a, n, DType.F32), 5);
        Assert.True(found.Converged);
        // Entries, products and sums are rounded by 6e-8, of a matrix whose norm is its largest eigenvalue.
        Near.Equal(all[..5], found.Pairs.Values, 1e-5 * all.Max(Math.Abs), 0, "eigenvalues");
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        double[] two = [1, 0, 0, 1];
        Assert.Contains("k: found 3, expected between 1 and 2", Assert.Throws<IccArgumentException>(() => Largest(two, 2, 3)).Message);
        Assert.Throws<IccArgumentException>(() => Largest(two, 2, 0));
        Assert.Throws<IccArgumentException>(() => Largest([1, 0, 0, double.NaN], 2, 1));
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(_backend, _backend.Allocate(new Shape(2, 3)), 1));
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(_backend, _backend.Allocate(new Shape(0, 0)), 1));
    }

    private LanczosResult Largest(double[] a, int n, int k, LanczosOptions? options = null)
    {
        var matrix = Affinities.Upload(_backend, a, n);
        using var memory = matrix.Buffer;
        return Lanczos.Largest(_backend, matrix, k, options);
    }
}
