using System.Globalization;

namespace IccEngine.Clustering;

/// <summary>A number drawn evenly from a range, both ends included; written <c>10..50</c>, or <c>3</c> where both are one.</summary>
/// <param name="From">The smallest.</param>
/// <param name="To">The largest, at least <paramref name="From"/>.</param>
public readonly record struct IntRange(int From, int To)
{
    /// <summary>A number of the range; where there is only one, nothing is drawn.</summary>
    public int Draw(SeededRandom random) => From == To ? From : From + random.Next(To - From + 1);

    /// <inheritdoc/>
    public override string ToString() =>
        From == To ? From.ToString(CultureInfo.InvariantCulture) : FormattableString.Invariant($"{From}..{To}");
}
