using System.Text.Json;
using Xunit;

namespace IccEngine.Testing;

/// <summary>
/// How far a kind of value may be from its reference: |x - ref| &lt;= max(atol, rtol_of_max * max|ref|), the maximum over the whole
/// reference tensor (a number alone: its own size); a limit that is missing counts as 0. Read from the cases.json of the goldens.
/// </summary>
public readonly record struct Tolerance(double AbsoluteLimit, double RelativeToMax)
{
    /// <summary>The limits for <paramref name="kind"/> in the file's "tolerance".</summary>
    /// <exception cref="KeyNotFoundException">The file has none for this kind.</exception>
    public static Tolerance Read(JsonElement cases, string kind)
    {
        var limits = cases.GetProperty("tolerance").GetProperty(kind);
        return new Tolerance(Limit(limits, "atol"), Limit(limits, "rtol_of_max"));
    }

    /// <summary>Fails unless all values are near their references; says where the worst one is.</summary>
    public void Check(string what, ReadOnlySpan<float> found, ReadOnlySpan<float> expected)
    {
        Assert.True(found.Length == expected.Length, $"{what}: {found.Length} values, expected {expected.Length}");
        double largest = 0, worst = 0;
        var at = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i]));
            var off = Math.Abs((double)found[i] - expected[i]);
            if (!(off <= worst))
            {
                (worst, at) = (double.IsNaN(off) ? double.PositiveInfinity : off, i);
            }
        }
        var limit = Math.Max(AbsoluteLimit, RelativeToMax * largest);
        Assert.True(expected.Length == 0 || worst <= limit,
            $"{what}: |{found[at]:R} - {expected[at]:R}| = {worst:G3} at {at} of {expected.Length}, limit {limit:G3} (max |ref| {largest:G3})");
    }

    /// <inheritdoc cref="Check(string, ReadOnlySpan{float}, ReadOnlySpan{float})"/>
    public void Check(string what, double found, double expected)
    {
        var limit = Math.Max(AbsoluteLimit, RelativeToMax * Math.Abs(expected));
        Assert.True(Math.Abs(found - expected) <= limit, $"{what}: found {found:R}, expected {expected:R}, limit {limit:G3}");
    }

    private static double Limit(JsonElement limits, string name) => limits.TryGetProperty(name, out var value) ? value.GetDouble() : 0;
}
