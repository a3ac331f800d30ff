using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// Clustering by attention of more points than a model does well: some of them, drawn at random, are clustered among themselves
/// (<see cref="AttentionClusterer"/>), and the others are labelled against them one by one. The cost grows linearly with the points.
/// </summary>
public static class RepresentativeClusterer
{
    /// <summary>Clusters the points.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points are written for it.</param>
    /// <param name="points">The points.</param>
    /// <param name="clusters">Number of clusters, from 1 to the number of representatives.</param>
    /// <param name="representatives">Points that are clustered among themselves, from 2; as many as there are points or more: all of them.</param>
    /// <param name="options">Settings; with each of their permutations a new point is shown to the model once.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer of every batch.</param>
    /// <returns>Labels of all points; affinity and eigenvalues are those of the representatives.</returns>
    /// <exception cref="IccArgumentException">A layer, a number of clusters, representatives or points that cannot be.</exception>
    /// <exception cref="IccUnsupportedException">The format writes earlier points anew when further ones come.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AttentionResult Cluster(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, int representatives, AttentionOptions options,
        LoraAdapter? adapter = null, Action<double>? progress = null, CancellationToken cancellation = default)
    {
        if (representatives >= points.Count)
        {
            return AttentionClusterer.Cluster(model, format, points, clusters, options, adapter, progress, cancellation);
        }
        if (representatives < 2 || clusters > representatives)
        {
            throw new IccArgumentException(
                $"{representatives} representatives of {points.Count} points for {clusters} clusters; expected at least 2, and one a cluster");
        }
        if (options.Kind != AffinityKind.II)
        {
            throw new IccArgumentException($"representatives with affinity {options.Kind}: expected II, for new points are labelled by their attention to points");
        }
        var (known, rest) = Draw(points.Count, representatives, options.Seed);
        var share = (double)representatives / points.Count;
        var found = AttentionClusterer.Cluster(
            model, format, points.Select(known), clusters, options, adapter, done => progress?.Invoke(share * done), cancellation);
        var layers = found.Layers.Of(model.Config.NumHiddenLayers);
        var others = new OutOfSample(model, format, points, clusters, options, adapter)
            .Label(known, found.Labels, layers, rest, done => progress?.Invoke(share + (1 - share) * done), cancellation);
        var labels = new int[points.Count];
        for (var i = 0; i < known.Length; i++)
        {
            labels[known[i]] = found.Labels[i];
        }
        for (var i = 0; i < rest.Length; i++)
        {
            labels[rest[i]] = others[i];
        }
        var remark = $"{representatives} of {points.Count} points, drawn at random, were clustered; the others were labelled by their attention to these";
        return found with { Labels = LabelOrder.ByFirstAppearance(labels), AffinityPoints = known, Warnings = [remark, .. found.Warnings] };
    }

    /// <summary>The points that are clustered among themselves, and the others; both ascending.</summary>
    internal static (int[] Known, int[] Others) Draw(int points, int representatives, long seed)
    {
        var order = Enumerable.Range(0, points).ToArray();
        new SeededRandom(seed).Shuffle(order);
        return ([.. order[..representatives].Order()], [.. order[representatives..].Order()]);
    }
}
