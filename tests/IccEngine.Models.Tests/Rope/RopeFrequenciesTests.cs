using IccEngine.Formats;
using Xunit;

namespace IccEngine.Models.Tests;

public sealed class RopeFrequenciesTests
{
    private const double Near = 2e-6;

    [Theory]
    [InlineData(2, 10_000)]
    [InlineData(24, 500_000)]
    [InlineData(128, 1_000_000)]
    public void Default_is_base_to_the_minus_2i_over_d(int headDim, double theta)
    {
        var found = RopeFrequencies.InverseFrequencies(new RopeConfig { Theta = theta }, headDim, 64, 1000, out var factor);
        Assert.Equal(1, factor);
        Assert.Equal(headDim / 2, found.Length);
        Close(Enumerable.Range(0, headDim / 2).Select(i => Math.Pow(theta, -2.0 * i / headDim)), found);
    }

    [Fact]
    public void Linear_divides_all()
    {
        var plain = RopeFrequencies.InverseFrequencies(new RopeConfig(), 32, 64, 1, out _);
        var found = RopeFrequencies.InverseFrequencies(new RopeConfig { Type = RopeType.Linear, Factor = 4 }, 32, 64, 1, out _);
        Close(plain.Select(f => f / 4.0), found);
    }

    [Fact]
    public void Dynamic_grows_the_base_beyond_the_trained_length_only()
    {
        var rope = new RopeConfig { Type = RopeType.Dynamic, Factor = 4 };
        var plain = RopeFrequencies.InverseFrequencies(new RopeConfig(), 24, 64, 1, out _);
        Assert.Equal(plain, RopeFrequencies.InverseFrequencies(rope, 24, 64, 1, out _));
        Assert.Equal(plain, RopeFrequencies.InverseFrequencies(rope, 24, 64, 64, out _));
        var theta = 10_000 * Math.Pow(4 * 100.0 / 64 - 3, 24.0 / 22);
        var found = RopeFrequencies.InverseFrequencies(rope, 24, 64, 100, out var factor);
        Assert.Equal(1, factor);
        Close(Enumerable.Range(0, 12).Select(i => Math.Pow(theta, -2.0 * i / 24)), found);
    }

    [Fact]
    public void Llama3_keeps_high_frequencies_divides_low_ones_and_goes_over_between()
    {
        var rope = new RopeConfig { Type = RopeType.Llama3, Factor = 8, LowFreqFactor = 1, HighFreqFactor = 4, OriginalMaxPositionEmbeddings = 64 };
        var found = RopeFrequencies.InverseFrequencies(rope, 32, 512, 1, out _);
        var expected = Enumerable.Range(0, 16).Select(i =>
        {
            var f = Math.Pow(10_000, -2.0 * i / 32);
            // Share of rotations in the original length between the two factors.
            var kept = Math.Clamp((64 * f / (2 * Math.PI) - 1) / (4 - 1), 0, 1);
            return f * (kept + (1 - kept) / 8);
        }).ToArray();
        Close(expected, found);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Yarn_ramps_between_the_pairs_of_the_two_betas(bool truncate)
    {
        var rope = new RopeConfig { Type = RopeType.Yarn, Factor = 4, OriginalMaxPositionEmbeddings = 512, Truncate = truncate };
        var found = RopeFrequencies.InverseFrequencies(rope, 64, 2048, 1, out var factor);
        Assert.Equal(0.1 * Math.Log(4) + 1, factor, 1e-6);
        double Pair(double rotations) => 64 * Math.Log(512 / (rotations * 2 * Math.PI)) / (2 * Math.Log(10_000));
        var (low, high) = truncate ? (Math.Floor(Pair(32)), Math.Ceiling(Pair(1))) : (Pair(32), Pair(1));
        Close(Enumerable.Range(0, 32).Select(i =>
        {
            var ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            return Math.Pow(10_000, -2.0 * i / 64) * (1 - ramp + ramp / 4);
        }), found);
    }

    [Fact]
    public void Yarn_attention_factor_is_given_or_from_the_scales()
    {
        var rope = new RopeConfig { Type = RopeType.Yarn, Factor = 4, OriginalMaxPositionEmbeddings = 64 };
        RopeFrequencies.InverseFrequencies(rope with { AttentionFactor = 1.75 }, 16, 256, 1, out var given);
        Assert.Equal(1.75f, given);
        RopeFrequencies.InverseFrequencies(rope with { Mscale = 2, MscaleAllDim = 1 }, 16, 256, 1, out var both);
        Assert.Equal((0.2 * Math.Log(4) + 1) / (0.1 * Math.Log(4) + 1), both, 1e-6);
        RopeFrequencies.InverseFrequencies(rope with { Mscale = 2 }, 16, 256, 1, out var one);
        Assert.Equal(0.1 * Math.Log(4) + 1, one, 1e-6);
        RopeFrequencies.InverseFrequencies(rope with { Factor = 1 }, 16, 256, 1, out var none);
        Assert.Equal(1, none);
    }

    private static void Close(IEnumerable<double> expected, float[] found)
    {
        foreach (var (reference, value, i) in expected.Select((e, i) => (e, found[i], i)))
        {
            Assert.True(Math.Abs(value - reference) <= Near * reference, $"pair {i}: found {value:R}, expected {reference:R}");
        }
    }
}
