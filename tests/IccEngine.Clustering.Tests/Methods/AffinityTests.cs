using IccEngine.Core;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Clustering.Tests;

public sealed class AffinityTests : IDisposable
{
    private readonly CpuBackend _backend = new(2);

    public void Dispose() => _backend.Dispose();

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
        var affinity = Affinities.Of(_backend, pooled, n);
        for (var i = 0; i < n * n; i++)
        {
            // The guard in the denominator takes 1e-7 / (row sum) away.
            var (high, low) = (Math.Max(i / n, i % n), Math.Min(i / n, i % n));
            Near.Equal(high == low ? 0 : high * 0.25 / (high * 0.25 + 1e-7), affinity[i], 1e-15, 0, $"entry {i / n}, {i % n}");
        }
    }

    [Fact]
    public void The_scale_of_a_row_hardly_matters()
    {
        const int n = 33;
        var random = new SeededRandom(2);
        var pooled = Enumerable.Range(0, n * n).Select(_ => random.NextDouble()).ToArray();
        var scaled = Enumerable.Range(0, n * n).Select(i => pooled[i] * (1 + i / n)).ToArray();
        Near.Equal(Affinities.Of(_backend, pooled, n), Affinities.Of(_backend, scaled, n), 1e-4, 0, "scaled rows");
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(-1e-7)]
    public void What_no_attention_can_be_is_refused_by_the_clustering(double bad)
    {
        var affinity = Affinities.Upload(_backend, Affinities.Of(_backend, [0, 0, 0, bad, 0, 0, 1, 1, 0], 3), 3);
        var error = Assert.Throws<IccArgumentException>(() => new SpectralClustering { NClusters = 2 }.FitPredict(_backend, affinity));
        Assert.Contains("affinity, row 0", error.Message, StringComparison.Ordinal);
    }
}
