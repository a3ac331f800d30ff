using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class LanczosTests
{
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
            var found = Lanczos.Largest(SymmetricProducts.Dense(a, n), n, k);
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
        var found = Lanczos.Largest(SymmetricProducts.Dense(a, n), n, 4);
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
        var found = Lanczos.Largest(SymmetricProducts.Dense(a, n), n, 3, new LanczosOptions { Known = known });
        Near.Equal([all.Values[n - 3], all.Values[n - 4], all.Values[n - 5]], found.Pairs.Values, 1e-12, 0, "eigenvalues");
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(SymmetricProducts.Dense(a, n), n, n - 1, new LanczosOptions { Known = known }));
        Array.Fill(known, double.NaN);
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(SymmetricProducts.Dense(a, n), n, 3, new LanczosOptions { Known = known }));
    }

    [Fact]
    public void Few_products_are_taken_and_the_limit_is_kept()
    {
        const int n = 400;
        var a = Matrices.Make("random", n);
        var count = 0;
        var inner = SymmetricProducts.Dense(a, n);
        void Counted(ReadOnlySpan<double> x, Span<double> y)
        {
            count++;
            inner(x, y);
        }
        var found = Lanczos.Largest(Counted, n, 5);
        Assert.Equal(count, found.Products);
        Assert.True(count <= n, $"{count} products for 5 pairs of order {n}");
        var cut = Lanczos.Largest(inner, n, 5, new LanczosOptions { MaxProducts = 20 });
        Assert.False(cut.Converged);
        Assert.True(cut.Products <= 40, $"{cut.Products} products, limit 20 and a last step");
        Assert.Equal(5, cut.Pairs.Values.Length);
    }

    [Fact]
    public void Equal_seeds_and_any_number_of_threads_give_equal_bits()
    {
        const int n = 800;
        var a = Matrices.Make("random", n);
        var one = Lanczos.Largest(SymmetricProducts.Dense(a, n), n, 3);
        var three = Lanczos.Largest(SymmetricProducts.Dense(a, n, nJobs: 3), n, 3);
        Assert.Equal(one.Pairs.Values, three.Pairs.Values);
        Assert.Equal(one.Pairs.Vectors, three.Pairs.Vectors);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        var product = SymmetricProducts.Dense([1, 0, 0, 1], 2);
        Assert.Contains("k: found 3, expected between 1 and 2", Assert.Throws<IccArgumentException>(() => Lanczos.Largest(product, 2, 3)).Message);
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(product, 2, 0));
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest(product, 0, 1));
        Assert.Throws<IccArgumentException>(() => Lanczos.Largest((_, y) => y.Fill(double.NaN), 2, 1));
        Assert.Throws<IccArgumentException>(() => SymmetricProducts.Dense([1, 2, 3], 2));
        Assert.Throws<IccArgumentException>(() => SymmetricProducts.Dense([1], 1, nJobs: 0));
    }
}
