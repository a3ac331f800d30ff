using Xunit;

namespace IccEngine.Clustering.Tests;

/// <summary>|x - ref| &lt;= atol + rtol |ref|, with the place of the worst value in the message.</summary>
internal static class Near
{
    public static void Equal(ReadOnlySpan<double> expected, ReadOnlySpan<double> found, double atol, double rtol, string what)
    {
        Assert.True(expected.Length == found.Length, $"{what}: {found.Length} values, expected {expected.Length}");
        for (var i = 0; i < expected.Length; i++)
        {
            Equal(expected[i], found[i], atol, rtol, $"{what} [{i}]");
        }
    }

    public static void Equal(double expected, double found, double atol, double rtol, string what)
    {
        var off = Math.Abs(found - expected);
        Assert.True(off <= atol + rtol * Math.Abs(expected), $"{what}: found {found:R}, expected {expected:R}, off by {off:G3}");
    }

    /// <summary>Equal up to a renaming of the labels.</summary>
    public static void SamePartition(int[] expected, int[] found, string what) =>
        Assert.True(Metrics.AdjustedRandIndex(expected, found) == 1,
            $"{what}: found [{string.Join(",", found)}], expected the partition [{string.Join(",", expected)}]");
}
