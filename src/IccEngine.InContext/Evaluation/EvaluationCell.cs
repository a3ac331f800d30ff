using System.Globalization;
using IccEngine.Clustering;

namespace IccEngine.InContext;

/// <summary>What episodes of one cell of a table have in common.</summary>
/// <param name="Set">The data set that they were taken from; null for generated ones.</param>
/// <param name="Dist">What the noise or the shape is, where it is not Student-t; else null.</param>
/// <param name="C">Number of clusters.</param>
/// <param name="D">Number of columns.</param>
/// <param name="Df">Degrees of freedom of Student-t noise; else null.</param>
public sealed record EvaluationCell(string? Set, string? Dist, int C, int D, double? Df)
{
    /// <summary>The cell of an episode.</summary>
    public static EvaluationCell Of(Episode episode) => new(episode.Set, episode.Dist, episode.NClusters, episode.D, episode.Df);

    /// <inheritdoc/>
    public override string ToString()
    {
        var df = Df is { } value ? string.Create(CultureInfo.InvariantCulture, $"df={value}") : null;
        return string.Join(' ', new[] { Set, Dist, $"c={C}", $"d={D}", df }.Where(part => part is not null)).ReplaceLineEndings(" ");
    }
}
