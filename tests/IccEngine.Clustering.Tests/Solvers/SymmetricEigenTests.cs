using IccEngine.Core;
using MathNet.Numerics.LinearAlgebra;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class SymmetricEigenTests
{
    private const double Epsilon = 2.220446049250313e-16;

    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in Matrices.Kinds)
        {
            foreach (var n in new[] { 1, 2, 3, 31, 33, 127, 129 })
            {
                data.Add(kind, n);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Dense_agrees_with_MathNet_and_has_small_residuals(string kind, int n)
    {
        var a = Matrices.Make(kind, n);
        var pairs = SymmetricEigen.Dense(a, n);
        var size = Math.Max(double.Epsilon, a.Max(Math.Abs) * n);
        // MathNet forms squares: it is asked about the matrix brought to size 1.
        var oracle = Matrix<double>.Build.DenseOfRowMajor(n, n, a.Select(v => v / size)).Evd(Symmetricity.Symmetric).EigenValues;
        Near.Equal(oracle.Select(v => v.Real).Order().ToArray(), [.. pairs.Values.Select(v => v / size)], 100 * Epsilon, 0, "eigenvalues");
        CheckPairs(a, n, pairs, 100 * Epsilon * size);
    }

    [Fact]
    public void Dense_reads_the_upper_triangle_only()
    {
        double[] a = [2, 1, 0, 99, 2, 1, 99, 99, 2];
        var pairs = SymmetricEigen.Dense(a, 3);
        Near.Equal([2 - Math.Sqrt(2), 2, 2 + Math.Sqrt(2)], pairs.Values, 1e-14, 0, "eigenvalues");
    }

    [Fact]
    public void Dense_refuses_what_is_no_matrix()
    {
        Assert.Contains("found 3 values, expected 2 x 2 = 4", Assert.Throws<IccArgumentException>(() => SymmetricEigen.Dense([1, 2, 3], 2)).Message);
        Assert.Contains("row 1, column 0: found NaN", Assert.Throws<IccArgumentException>(() => SymmetricEigen.Dense([1, 0, double.NaN, 1], 2)).Message);
        Assert.Throws<IccArgumentException>(() => SymmetricEigen.Dense([], 0));
        Assert.Throws<IccArgumentException>(() => SymmetricEigen.Dense([1], -1));
    }

    /// <summary>|A v - lambda v| is small, and the vectors are orthonormal.</summary>
    internal static void CheckPairs(double[] a, int n, EigenPairs pairs, double limit)
    {
        var k = pairs.Values.Length;
        var size = Math.Max(1e-300, a.Max(Math.Abs));
        var matrix = Matrix<double>.Build.DenseOfRowMajor(n, n, a.Select(v => v / size));
        var vectors = Matrix<double>.Build.DenseOfRowMajor(k, n, pairs.Vectors).Transpose();
        for (var i = 0; i < k; i++)
        {
            var residual = (matrix * vectors.Column(i) - vectors.Column(i) * (pairs.Values[i] / size)).L2Norm() * size;
            Assert.True(residual <= limit, $"pair {i}, value {pairs.Values[i]:R}: residual {residual:G3}, limit {limit:G3}");
        }
        var off = (vectors.Transpose() * vectors - Matrix<double>.Build.DenseIdentity(k)).Enumerate().Max(Math.Abs);
        Assert.True(off <= 1e-12, $"not orthonormal by {off:G3}");
    }
}
