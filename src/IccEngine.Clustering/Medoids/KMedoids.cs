using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Where k-medoids starts.</summary>
public enum KMedoidsInit
{
    /// <summary>Different points drawn at random; <see cref="KMedoids.NInit"/> starts.</summary>
    Random,

    /// <summary>PAM's greedy choice (Kaufman and Rousseeuw 1990): each next medoid lowers the loss most; one start.</summary>
    Build,
}

/// <summary>What <see cref="KMedoids"/> found.</summary>
/// <param name="Labels">[n]: the nearest medoid of each point, by its place in <paramref name="MedoidIndices"/>.</param>
/// <param name="MedoidIndices">[k], ascending: the points that are medoids.</param>
/// <param name="Inertia">Sum of the dissimilarities to the nearest medoid.</param>
/// <param name="NIter">Walks over the points of the best start.</param>
/// <param name="Medoids">[k, d] row-major: the medoids' coordinates; null where only dissimilarities were given.</param>
public sealed record KMedoidsResult(int[] Labels, int[] MedoidIndices, double Inertia, int NIter, double[]? Medoids)
{
    /// <summary>The nearest medoid of new points.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits, or the medoids have no coordinates.</exception>
    public int[] Predict(ReadOnlySpan<double> x, int n)
    {
        var medoids = Medoids ?? throw new IccArgumentException("predict: found dissimilarities, expected points: the medoids have no coordinates");
        return NearestCenters.Of(x, n, medoids, MedoidIndices.Length);
    }
}

/// <summary>
/// k-medoids by FasterPAM (Schubert and Rousseeuw 2021): a medoid and a point change places as soon as that lowers the loss, the gain of all k
/// exchanges of a point being found in one walk over the points. Needs the n (n - 1) / 2 dissimilarities in memory.
/// </summary>
public sealed class KMedoids
{
    /// <summary>Number of clusters k, 1 to n.</summary>
    public required int NClusters { get; init; }

    /// <summary>Where to start.</summary>
    public KMedoidsInit Init { get; init; } = KMedoidsInit.Random;

    /// <summary>Starting medoids, k different points, for a single start; null for <see cref="Init"/>.</summary>
    public int[]? InitMedoids { get; init; }

    /// <summary>Random starts, each walking over the points in a random order, of which the best is kept.</summary>
    public int NInit { get; init; } = 10;

    /// <summary>Largest number of walks over the points of a start.</summary>
    public int MaxIter { get; init; } = 300;

    /// <summary>Seed; equal seeds give equal results.</summary>
    public long RandomState { get; init; }

    /// <summary>Clusters points by their Euclidean distances.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">There is no room for the distances.</exception>
    public KMedoidsResult Fit(ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        CheckOptions(n);
        var points = x.ToArray();
        var found = Best(CondensedDistances.Of(points, n, d));
        return found with { Medoids = [.. found.MedoidIndices.SelectMany(m => points[(m * d)..(m * d + d)])] };
    }

    /// <summary>Clusters points of which only the dissimilarities are known.</summary>
    /// <param name="condensed">[n (n - 1) / 2]: d(0,1), d(0,2), ..., d(1,2), ..., finite, 0 or more.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">There is no room for a copy.</exception>
    public KMedoidsResult FitDissimilarities(ReadOnlySpan<double> condensed, int n)
    {
        var matrix = CondensedDistances.Given(condensed, n);
        CheckOptions(n);
        return Best(matrix);
    }

    private void CheckOptions(int n)
    {
        Check.Count(NClusters, n, "nClusters");
        Check.AtLeast(NInit, 1, "nInit");
        Check.AtLeast(MaxIter, 1, "maxIter");
        if (InitMedoids is { } given && (given.Length != NClusters || given.Distinct().Count() != NClusters || given.Any(m => m < 0 || m >= n)))
        {
            throw new IccArgumentException($"initMedoids: found [{string.Join(", ", given.Take(8))}{(given.Length > 8 ? ", ..." : "")}], "
                + $"expected {NClusters} different points of 0 .. {n - 1}");
        }
    }

    private KMedoidsResult Best(CondensedDistances between)
    {
        if (InitMedoids is not null || Init == KMedoidsInit.Build)
        {
            return new FasterPam(between, InitMedoids is null ? FasterPam.Build(between, NClusters) : [.. InitMedoids]).Run(MaxIter);
        }
        var random = new SeededRandom(RandomState);
        KMedoidsResult? best = null;
        for (var start = 0; start < NInit; start++)
        {
            var found = new FasterPam(between, random.Sample(between.N, NClusters)).Run(MaxIter, random.Permutation(between.N));
            best = best is null || found.Inertia < best.Inertia ? found : best;
        }
        return best!;
    }
}
