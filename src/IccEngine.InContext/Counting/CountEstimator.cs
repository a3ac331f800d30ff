using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// The number of clusters by a model. A prompt states the number, so every candidate is a run of its own: the attention between the
/// points is clustered, and the model answers, as if that number had been asked for.
/// </summary>
public static class CountEstimator
{
    /// <summary>Beyond so many median absolute values from the medians a coordinate says "far away" and nothing else.</summary>
    private const double FarAway = 25;

    /// <summary>Looks at every number of a range.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points are written for it.</param>
    /// <param name="points">The points as the format writes them.</param>
    /// <param name="coordinates">Whether distances between them mean something; for numbers of texts they do not.</param>
    /// <param name="range">Which numbers.</param>
    /// <param name="representatives">Points that are looked at, drawn as <see cref="RepresentativeClusterer"/> draws them; as many as there are or more: all.</param>
    /// <param name="options">How the attention is read.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer of every batch.</param>
    /// <returns>The candidates without scores; <see cref="CountEstimate.ByScore"/> chooses.</returns>
    /// <exception cref="IccArgumentException">A layer or a number of clusters that cannot be.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<CountCandidate> Candidates(
        CausalLM model, IPromptFormat format, PointSet points, bool coordinates, CountRange range, int representatives,
        AttentionOptions options, LoraAdapter? adapter = null, Action<double>? progress = null, CancellationToken cancellation = default)
    {
        if (representatives < points.Count)
        {
            points = points.Select(RepresentativeClusterer.Draw(points.Count, representatives, options.Seed).Known);
        }
        var read = options with { Scores = true, LayerScores = false, ReturnAffinity = false, ReturnMaps = false };
        var near = coordinates ? PullIn(points) : [];
        var asked = Asked(format, points, options.Seed);
        // More clusters than the format can write are refused before long work.
        format.Encode(asked, Math.Min(range.To, asked.Count));
        var candidates = new List<CountCandidate>();
        for (var k = range.From; k <= range.To; k++)
        {
            void Report(double share) => progress?.Invoke((candidates.Count + share) / (range.To - range.From + 1));
            var found = AttentionClusterer.Cluster(model, format, points, k, read, adapter, share => Report(share / 2), cancellation);
            candidates.Add(new CountCandidate(k)
            {
                Eigengap = found.Scores!.Eigengap,
                EmbeddingSilhouette = found.Scores.Silhouette,
                PointSilhouette = coordinates ? Metrics.SampledSilhouette(near, points.Count, points.Features, found.Labels) : null,
                LogProbability = ConstrainedAnswer.Generate(model, format, asked, Math.Min(k, asked.Count), null, adapter, null, cancellation)[0]
                    .LogProbabilities.Average(),
            });
            Report(0);
        }
        return candidates;
    }

    /// <summary>The points that the model is asked about: all, or as many as it does well.</summary>
    private static PointSet Asked(IPromptFormat format, PointSet points, long seed)
    {
        if (points.Count <= (format.MaxPoints ?? int.MaxValue))
        {
            return points;
        }
        var order = Enumerable.Range(0, points.Count).ToArray();
        new SeededRandom(seed).Shuffle(order);
        return points.Select(order.AsSpan(0, format.SubsetPoints));
    }

    /// <summary>
    /// [n, d]: the points less the medians of their columns, cut off far away, so that a few outliers do not make the distances between all
    /// others alike.
    /// </summary>
    private static double[] PullIn(PointSet points)
    {
        var (n, d) = (points.Count, points.Features);
        var values = points.Values.ToArray();
        for (var j = 0; j < d; j++)
        {
            var middle = Median(Enumerable.Range(0, n).Select(i => points.Values[i * d + j]));
            for (var i = 0; i < n; i++)
            {
                values[i * d + j] -= middle;
            }
        }
        var far = FarAway * Median(values.Select(Math.Abs));
        return far > 0 ? Array.ConvertAll(values, v => Math.Clamp(v, -far, far)) : values;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
