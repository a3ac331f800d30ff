using IccEngine.Core;
using MathNet.Numerics.LinearAlgebra;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class PreprocessingTests
{
    private static double[] Points(int n, int d, double grade = 1)
    {
        var random = new SeededRandom(n * 1000 + d);
        return [.. Enumerable.Range(0, n * d).Select(i => (random.NextDouble() - 0.3) * Math.Pow(grade, i % d))];
    }

    [Theory]
    [InlineData(2, 1, 1.0)]
    [InlineData(2, 2, 1.0)]
    [InlineData(3, 5, 1.0)]
    [InlineData(31, 33, 1.0)]
    [InlineData(33, 31, 1.0)]
    [InlineData(127, 3, 1.0)]
    [InlineData(3, 127, 1.0)]
    [InlineData(129, 128, 1.0)]
    [InlineData(60, 12, 0.1)]
    [InlineData(13, 40, 0.3)]
    public void Components_agree_with_a_singular_value_decomposition(int n, int d, double grade)
    {
        var x = Points(n, d, grade);
        var pca = Pca.Fit(x, n, d);
        var m = Math.Min(n, d);
        var centred = Matrix<double>.Build.DenseOfRowMajor(n, d, x);
        var mean = centred.ColumnSums() / n;
        centred = Matrix<double>.Build.Dense(n, d, (i, j) => centred[i, j] - mean[j]);
        var svd = centred.Svd();
        Near.Equal(mean.ToArray(), pca.Mean, 1e-14, 0, "means");
        // Small values keep their digits: relative, down to the rounding of the points themselves.
        Near.Equal(svd.S.Take(m).ToArray(), pca.SingularValues, 1e-15 * n * svd.S[0], 1e-5, "singular values");
        Near.Equal(svd.S.Take(m).Select(s => s * s / (n - 1)).ToArray(), pca.ExplainedVariance, 1e-13, 1e-12, "variances");
        Near.Equal(1, pca.ExplainedVarianceRatio.Sum(), 1e-12, 0, "sum of the ratios");
        for (var c = 0; c < m; c++)
        {
            var component = pca.Components.AsSpan(c * d, d).ToArray();
            Assert.True(component.MaxBy(Math.Abs) > 0);
            var gap = Math.Min(c == 0 ? 1 : svd.S[c - 1] - svd.S[c], c == m - 1 ? svd.S[c] : svd.S[c] - svd.S[c + 1]) / svd.S[0];
            if (gap > 1e-9)
            {
                Near.Equal(1, Math.Abs(svd.VT.Row(c).DotProduct(Vector<double>.Build.Dense(component))), 1e-9, 0, $"component {c}");
            }
        }
        var v = Matrix<double>.Build.DenseOfRowMajor(m, d, pca.Components);
        Assert.True((v * v.Transpose() - Matrix<double>.Build.DenseIdentity(m)).Enumerate().Max(Math.Abs) < 1e-12, "not orthonormal");
    }

    [Theory]
    [InlineData(40, 7, 3)]
    [InlineData(7, 40, 3)]
    public void Transforming_back_gives_the_nearest_points(int n, int d, int k)
    {
        var x = Points(n, d);
        var all = Pca.Fit(x, n, d);
        Near.Equal(x, all.InverseTransform(all.Transform(x, n), n), 1e-13, 0, "all components");
        var some = Pca.Fit(x, n, d, k);
        var back = some.InverseTransform(some.Transform(x, n), n);
        var lost = x.Zip(back, (a, b) => (a - b) * (a - b)).Sum();
        Near.Equal(all.SingularValues.Skip(k).Sum(s => s * s), lost, 0, 1e-10, "what is lost");
        Assert.Equal(all.ExplainedVarianceRatio[..k], some.ExplainedVarianceRatio);
    }

    [Fact]
    public void Points_that_coincide_have_components_but_no_variance()
    {
        var pca = Pca.Fit([1, 2, 3, 1, 2, 3], 2, 3);
        Assert.All(pca.ExplainedVariance, v => Assert.Equal(0, v));
        Assert.All(pca.ExplainedVarianceRatio, v => Assert.Equal(0, v));
        Assert.All(pca.Components, v => Assert.True(double.IsFinite(v)));
    }

    [Fact]
    public void Scaling_gives_mean_zero_and_deviation_one_and_leaves_constants_at_zero()
    {
        const int n = 33, d = 3;
        var x = Points(n, d);
        for (var i = 0; i < n; i++)
        {
            // A constant whose sum is rounded.
            x[i * d + 1] = 0.1;
        }
        var scaler = StandardScaler.Fit(x, n, d);
        var z = scaler.Transform(x, n);
        for (var j = 0; j < d; j++)
        {
            var column = Enumerable.Range(0, n).Select(i => z[i * d + j]).ToArray();
            Near.Equal(0, column.Average(), 1e-14, 0, "mean");
            Near.Equal(j == 1 ? 0 : 1, column.Average(v => v * v), 1e-13, 0, "variance");
            Assert.True(j != 1 || column.All(v => v == 0), "the constant column is not zero");
        }
        Near.Equal(x, scaler.InverseTransform(z, n), 1e-14, 0, "back");
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Contains("found 1 points, expected at least 2", Assert.Throws<IccArgumentException>(() => Pca.Fit([1, 2], 1, 2)).Message);
        Assert.Contains("nComponents: found 3, expected between 1 and 2", Assert.Throws<IccArgumentException>(() => Pca.Fit([1, 2, 3, 4], 2, 2, 3)).Message);
        Assert.Throws<IccArgumentException>(() => Pca.Fit([1, 2, 3, 4], 2, 2, 0));
        Assert.Throws<IccArgumentException>(() => Pca.Fit([1, 2, double.NaN, 4], 2, 2));
        var pca = Pca.Fit([1, 2, 3, 5], 2, 2);
        Assert.Throws<IccArgumentException>(() => pca.Transform([1, 2, 3], 2));
        Assert.Throws<IccArgumentException>(() => pca.InverseTransform([1, 2, 3], 2));
        Assert.Throws<IccArgumentException>(() => StandardScaler.Fit([], 0, 2));
        Assert.Throws<IccArgumentException>(() => StandardScaler.Fit([double.NaN], 1, 1));
        var scaler = StandardScaler.Fit([1, 2], 2, 1);
        Assert.Throws<IccArgumentException>(() => scaler.Transform([1, 2], 1));
        Assert.Throws<IccArgumentException>(() => scaler.InverseTransform([1, 2], 1));
    }
}
