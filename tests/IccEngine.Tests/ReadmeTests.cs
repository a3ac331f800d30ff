using System.Text.RegularExpressions;
using IccEngine.InContext;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Tests;

/// <summary>The README's program compiles and runs: the code below is compared with it word for word.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void The_program_runs()
    {
        var before = Console.Out;
        using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            Program();
        }
        finally
        {
            Console.SetOut(before);
        }
        var lines = output.ToString().Split('\n');
        Assert.Equal("0 0 0 1 1 1", lines[0].Trim());
        Assert.Matches(@"^layer 3, second part to first: 0\.\d{3}$", lines[1].Trim());
    }

    [Fact]
    public void The_program_is_the_readmes()
    {
        var readme = CodeBlock().Match(File.ReadAllText(Path.Combine(Goldens.Repository, "README.md"))).Groups[1].Value;
        var source = File.ReadAllText(Path.Combine(Goldens.Repository, "tests", "IccEngine.Tests", "ReadmeTests.cs"));
        foreach (var line in readme.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0))
        {
            Assert.Contains(line, source, StringComparison.Ordinal);
        }
        Assert.True(readme.Length > 100);
    }

    private static void Program()
    {
        using var model = IccModel.LoadEmbedded();
        var points = PointSet.FromRows([[1.0, 2.1], [0.9, 1.8], [1.2, 2.0], [7.9, 8.2], [8.1, 7.7], [8.0, 8.4]]);
        ClusterResult result = model.Cluster(points, clusters: 2);
        Console.WriteLine(string.Join(' ', result.Labels));

        // Attention between parts of any text, for every layer, from any model folder:
        const string text = "Clusters: 2\n[ 1.0 ]\n[ 8.0 ]";
        float[][] pooled = model.PooledAttention(text, [11..19, 19..27]);
        Console.WriteLine($"layer 3, second part to first: {pooled[3][2]:0.000}");
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
