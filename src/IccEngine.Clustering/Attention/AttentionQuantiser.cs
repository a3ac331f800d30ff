using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What <see cref="AttentionQuantiser"/> found.</summary>
/// <param name="Labels">[n]: the place that a point's iterates end at; for points that end elsewhere the nearest one.</param>
/// <param name="Centers">[k, d] row-major: the places at which most points end, heaviest first: the codebook.</param>
/// <param name="Temperature">h^2, in squared units of the data: scores are multiplied by 1 / h^2.</param>
/// <param name="Layers">Layers of attention that were applied at that temperature.</param>
/// <param name="Warnings">What a user should know: fewer places than asked for.</param>
public sealed record AttentionQuantiserResult(
    int[] Labels, double[] Centers, double Temperature, int Layers, IReadOnlyList<string> Warnings);

/// <summary>
/// Clusters by an attention layer without any trained parameter (<see cref="IdentityAttention"/>) applied again and again: every point asks,
/// the points answer, and the answers ask again until they stand still. The temperature falls from the spread of the data until the points
/// end at k places that are not next to empty, and is the middle of those at which they do: where the layer most lastingly quantises into k.
/// </summary>
/// <remarks>
/// Maulen-Soto et al. (2025) show what one layer does where centroids have equal norms and the scale is one over the noise. Neither is known
/// of data, so the keys' norms are made equal, and the temperature is chosen as said. Points of a heavy tail end alone: a place counts
/// from 2 points on, and from a tenth of the n / k of even clusters.
/// </remarks>
public sealed class AttentionQuantiser
{
    /// <summary>How the temperature falls: h by this factor at a time.</summary>
    private const double Cooling = 0.85;

    private const int MaxCoolings = 80;

    /// <summary>Iterates this part of h apart have ended at one place.</summary>
    private const double SamePlace = 0.1;

    /// <summary>A layer that moves no query by more than this part of h is the last.</summary>
    private const double StandsStill = 1e-3;

    /// <summary>Number of clusters k, 1 to n.</summary>
    public required int NClusters { get; init; }

    /// <summary>Most layers at a temperature.</summary>
    public int MaxLayers { get; init; } = 100;

    /// <summary>Most points that ask; of more a random sample, and the others are labelled by the nearest place. All points answer.</summary>
    public int MaxQueries { get; init; } = 256;

    /// <summary>Seed of the sample; equal seeds give equal results.</summary>
    public long RandomState { get; init; }

    /// <summary>Clusters points.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public AttentionQuantiserResult Fit(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        Check.Count(NClusters, n, "nClusters");
        Check.AtLeast(MaxLayers, 1, "maxLayers");
        Check.AtLeast(MaxQueries, NClusters, "maxQueries");
        var points = x.ToArray();
        var asking = n <= MaxQueries ? [.. Enumerable.Range(0, n)] : new SeededRandom(RandomState).Sample(n, MaxQueries);
        var least = NClusters <= asking.Length / 2 ? Math.Max(2, asking.Length / (10 * NClusters)) : 1;
        return Describe(points, n, d, asking, Coolest(h => Quantise(points, n, d, asking, h, least), Spread(points, n, d)));
    }

    /// <summary>
    /// Cools from <paramref name="h"/> until there are k places, and on while there are k: of these temperatures the middle one, far from where the
    /// places merge, which draws them together, and from where they fall apart. Where no temperature gives k, the one that gives most.
    /// </summary>
    private QuantisedPoints Coolest(Func<double, QuantisedPoints> quantise, double h)
    {
        QuantisedPoints? most = null;
        var lasting = new List<QuantisedPoints>();
        for (var cooling = 0; cooling < MaxCoolings; cooling++, h *= Cooling)
        {
            var found = quantise(h);
            if (found.Heavy == NClusters)
            {
                lasting.Add(found);
            }
            else if (lasting.Count > 0 || found.Heavy > NClusters)
            {
                return lasting.Count > 0 ? lasting[lasting.Count / 2] : found;
            }
            most = most is null || found.Heavy > most.Heavy ? found : most;
        }
        return lasting.Count > 0 ? lasting[lasting.Count / 2] : most!;
    }

    /// <summary>
    /// Where the temperature starts: four times the median distance of the points to their median, a column's share of it. Unlike a variance
    /// a few points far out do not move it. Where more than half of the points are one, the largest distance; where all are, 1.
    /// </summary>
    private static double Spread(double[] x, int n, int d)
    {
        var (median, column, distances) = (new double[d], new double[n], new double[n]);
        for (var j = 0; j < d; j++)
        {
            for (var i = 0; i < n; i++)
            {
                column[i] = x[i * d + j];
            }
            median[j] = Selection.Smallest(column, n / 2);
        }
        for (var i = 0; i < n; i++)
        {
            distances[i] = Math.Sqrt(Vectors.SquaredDistance(x.AsSpan(i * d, d), median) / d);
        }
        var (largest, middle) = (distances.Max(), Selection.Smallest(distances, n / 2));
        return middle > 0 ? 4 * middle : largest > 0 ? largest : 1;
    }

    private QuantisedPoints Quantise(double[] x, int n, int d, int[] asking, double h, int least)
    {
        var (answers, weights, next) = (new double[asking.Length * d], new double[n], new double[d]);
        var layers = 0;
        for (var q = 0; q < asking.Length; q++)
        {
            var z = answers.AsSpan(q * d, d);
            x.AsSpan(asking[q] * d, d).CopyTo(z);
            for (var layer = 1; layer <= MaxLayers; layer++)
            {
                IdentityAttention.Attend(z, x, n, 1 / (h * h), equalNorms: true, weights, next);
                var moved = Vectors.SquaredDistance(z, next);
                next.CopyTo(z);
                layers = Math.Max(layers, layer);
                if (moved <= StandsStill * h * StandsStill * h)
                {
                    break;
                }
            }
        }
        return QuantisedPoints.Of(answers, asking.Length, d, h, SamePlace * h, least, layers);
    }

    private AttentionQuantiserResult Describe(double[] x, int n, int d, int[] asking, QuantisedPoints found)
    {
        var k = Math.Min(NClusters, found.Mass.Length);
        var centers = found.Places[..(k * d)];
        var labels = NearestCenters.Of(x, n, centers, k);
        for (var q = 0; q < asking.Length; q++)
        {
            labels[asking[q]] = found.PlaceOf[q] < k ? found.PlaceOf[q] : labels[asking[q]];
        }
        string[] warnings = k < NClusters ? [$"found {k} distinct clusters, expected {NClusters}; points may be duplicates of each other"] : [];
        return new AttentionQuantiserResult(labels, centers, found.H * found.H, found.Layers, warnings);
    }
}
