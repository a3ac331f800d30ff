using Xunit;

namespace IccEngine.Architecture.Tests;

/// <summary>Turns findings into a failure that lists all of them.</summary>
internal static class Report
{
    public static void Empty(IEnumerable<string> findings)
    {
        var list = findings.Distinct().ToList();
        Assert.True(list.Count == 0, string.Join(Environment.NewLine, list));
    }
}
