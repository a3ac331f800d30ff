using IccEngine.Core;

namespace IccEngine.Testing;

/// <summary>A backend whose linear layers have weights that are off by a random share: what errors of that size do to the results of a model.</summary>
/// <param name="inner">What computes.</param>
/// <param name="share">Largest relative error of an element.</param>
public sealed class PerturbingBackend(IBackend inner, double share) : CountingBackend(inner)
{
    private readonly Random _random = new(1);

    public override Weight LoadWeight(HostTensor source, WeightFormat format = WeightFormat.Stored)
    {
        var values = source.ToSingles();
        var multiplied = source.Extents.Count == 2 && !source.Name.Contains("embed", StringComparison.Ordinal);
        for (var i = 0; multiplied && i < values.Length; i++)
        {
            values[i] *= (float)(1 + share * (2 * _random.NextDouble() - 1));
        }
        return base.LoadWeight(HostTensor.FromArray(source.Name, values, [.. source.Extents]), format);
    }
}
