using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>Numbers of clusters that are tried; one cluster is never, as none of the criteria is defined for it.</summary>
/// <param name="From">Smallest, at least 2.</param>
/// <param name="To">Largest.</param>
public readonly record struct CountRange(int From, int To)
{
    private const int UsualMost = 10;

    /// <summary>The range for so many points.</summary>
    /// <param name="points">Number of points.</param>
    /// <param name="least">Smallest number; null: 2.</param>
    /// <param name="most">Largest number; null: what the model was trained on, else 10. Never more than the points less 1.</param>
    /// <param name="trained">Most clusters that the model was trained on; null: it does not matter.</param>
    /// <exception cref="IccArgumentException">Fewer than 3 points, or a range that is empty or begins below 2.</exception>
    public static CountRange For(int points, int? least, int? most, int? trained)
    {
        var range = new CountRange(least ?? 2, Math.Min(most ?? Math.Max(trained ?? UsualMost, least ?? 2), points - 1));
        return range.From >= 2 && range.From <= range.To
            ? range
            : throw new IccArgumentException(
                $"number of clusters to be estimated: found {points} points and a range of {least ?? 2} to {most?.ToString(null, null) ?? "any"}, "
                + "expected a range from 2 or more to fewer than there are points");
    }
}
