using IccEngine.InContext;
using Xunit;

namespace IccEngine.Tests;

/// <summary>The affinities of all layers and heads, gathered beside what is clustered.</summary>
public class AttentionMapTests
{
    private static readonly PointSet _points = PointSet.FromRows(
        [.. Enumerable.Range(0, 70).Select(i => new[] { i % 3 * 4.0 + i % 7 * 0.3, i % 3 * -3.0 + i % 5 * 0.4 })]);

    [Theory]
    [InlineData(null)]
    [InlineData(2)]
    public void Maps_change_nothing_and_hold_what_was_clustered(int? head)
    {
        using var model = IccModel.LoadEmbedded();
        var options = new ClusterOptions { Permutations = 2, Head = head, ReturnAffinity = true };
        var plain = model.Cluster(_points, 3, options).Results[0];
        var mapped = model.Cluster(_points, 3, options with { ReturnAffinity = false, ReturnMaps = true }).Results[0];
        Assert.Empty(plain.Maps);
        Assert.Equal(plain.Labels, mapped.Labels);
        Assert.Equal(plain.Affinity, mapped.Affinity);
        Assert.Equal(model.Model.Config.NumHiddenLayers * (head is null ? 1 : model.Model.Config.NumAttentionHeads), mapped.Maps.Select(m => (m.Layer, m.Head)).Distinct().Count());
        Assert.Equal(mapped.Affinity, mapped.Maps.Single(m => m.Layer == mapped.Layer && m.Head == head).Affinity);
        Assert.All(mapped.Maps.Where(m => m.Layer != mapped.Layer), m => Assert.NotEqual(mapped.Affinity, m.Affinity));
    }

    [Fact]
    public void A_map_of_representatives_says_whose_it_is()
    {
        using var model = IccModel.LoadEmbedded();
        var found = model.Cluster(_points, 3, new ClusterOptions { Permutations = 1, Representatives = 30, ReturnMaps = true }).Results[0];
        Assert.Equal(30, found.AffinityPoints!.Distinct().Count());
        Assert.Equal(30 * 30, found.Affinity!.Length);
        Assert.Equal(_points.Count, found.Labels.Length);
    }
}
