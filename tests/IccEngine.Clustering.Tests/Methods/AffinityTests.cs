using IccEngine.Core;
using Xunit;

namespace IccEngine.Clustering.Tests;

public class AffinityTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(31)]
    [InlineData(33)]
    public void Equal_attention_to_all_earlier_points_gives_ones(int n)
    {
        var pooled = new double[n * n];
        for (var i = 0; i < n * n; i++)
        {
            // Whatever stands on or above the diagonal is not read.
            pooled[i] = i % n < i / n ? 0.25 : double.NaN;
        }
        var affinity = new double[n * n];
        Affinity.Paper<double>(pooled, n, affinity);
        for (var i = 0; i < n * n; i++)
        {
            // The guard in the denominator takes 1e-7 / (row sum) away.
            var (high, low) = (Math.Max(i / n, i % n), Math.Min(i / n, i % n));
            Near.Equal(high == low ? 0 : high * 0.25 / (high * 0.25 + 1e-7), affinity[i], 1e-15, 0, $"entry {i / n}, {i % n}");
        }
    }

    [Fact]
    public void The_scale_of_a_row_hardly_matters_and_memory_may_be_shared()
    {
        const int n = 33;
        var random = new SeededRandom(2);
        var pooled = Enumerable.Range(0, n * n).Select(_ => random.NextDouble()).ToArray();
        var scaled = Enumerable.Range(0, n * n).Select(i => pooled[i] * (1 + i / n)).ToArray();
        var affinity = new double[n * n];
        Affinity.Paper<double>(pooled, n, affinity);
        Affinity.Paper<double>(scaled, n, scaled);
        Near.Equal(affinity, scaled, 1e-4, 0, "scaled rows");
        Affinity.Paper<double>(pooled, n, pooled);
        Assert.Equal(affinity, pooled);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<IccArgumentException>(() => Affinity.Paper<float>([], 0, []));
        Assert.Contains("found 3 values, expected 2 x 2 = 4", Assert.Throws<IccArgumentException>(() => Affinity.Paper<float>([1, 2, 3], 2, new float[4])).Message);
        Assert.Contains("affinity: found 3 values, expected 4", Assert.Throws<IccArgumentException>(() => Affinity.Paper<float>(new float[4], 2, new float[3])).Message);
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            Assert.Contains("row 1, column 0", Assert.Throws<IccArgumentException>(() => Affinity.Paper<float>([0, 0, bad, 0], 2, new float[4])).Message);
        }
        Assert.Throws<IccArgumentException>(() => Affinity.Paper<double>([0, 0, -1e-7, 0], 2, new double[4]));
    }
}
