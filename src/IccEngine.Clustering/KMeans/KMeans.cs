using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>How k-means descends.</summary>
public enum KMeansAlgorithm
{
    /// <summary>Lloyd's alternation of assignments and means, as scikit-learn runs it.</summary>
    Lloyd,

    /// <summary>
    /// Lloyd's, then Hartigan's exchanges: a point changes its cluster whenever that lowers the inertia with both means moved along.
    /// Its fixed points are a subset of Lloyd's, and never worse than the one it started from.
    /// </summary>
    Hartigan,
}

/// <summary>What <see cref="KMeans"/> found.</summary>
/// <param name="Labels">[n]: the nearest centre of each point.</param>
/// <param name="Centers">[k, d] row-major.</param>
/// <param name="Inertia">Weighted sum of squared distances to the nearest centre.</param>
/// <param name="NIter">Lloyd iterations of the best start.</param>
/// <param name="Warnings">What a user should know: fewer distinct clusters than asked for.</param>
public sealed partial record KMeansResult(int[] Labels, double[] Centers, double Inertia, int NIter, IReadOnlyList<string> Warnings);

/// <summary>k-means with scikit-learn's parameters and rules.</summary>
public sealed class KMeans
{
    /// <summary>Weighted squares must stay finite.</summary>
    private const double LargestWeight = 1e20;

    /// <summary>Points of all starts that go side by side: 20 bytes each while they do.</summary>
    private const int MostSideBySide = 1 << 22;

    /// <summary>Number of clusters k, 1 to n.</summary>
    public required int NClusters { get; init; }

    /// <summary>Starting centres [k, d] row-major, for a single start; null for k-means++.</summary>
    public double[]? Init { get; init; }

    /// <summary>Starts from k-means++, of which the best is kept.</summary>
    public int NInit { get; init; } = 10;

    /// <summary>Largest number of Lloyd iterations of a start.</summary>
    public int MaxIter { get; init; } = 300;

    /// <summary>A start ends when the squared moves of the centres sum to at most this times the mean variance of the columns.</summary>
    public double Tol { get; init; } = 1e-4;

    /// <summary>Seed; equal seeds give equal results.</summary>
    public long RandomState { get; init; }

    /// <summary>
    /// How to descend from a start. Where clusters overlap, the best of ten plain starts is often some percent worse than the best of ten
    /// refined ones, whence the default; scikit-learn's own descent is Lloyd's.
    /// </summary>
    public KMeansAlgorithm Algorithm { get; init; } = KMeansAlgorithm.Hartigan;

    /// <summary>Clusters points.</summary>
    /// <param name="backend">What assigns the points to centres.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="sampleWeight">[n], not negative, not all zero; empty for equal weights.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for the points.</exception>
    public KMeansResult Fit(IBackend backend, ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<double> sampleWeight = default)
    {
        Check.Points(x, n, d);
        Check.Count(NClusters, n, "nClusters");
        Check.AtLeast(NInit, 1, "nInit");
        Check.AtLeast(MaxIter, 1, "maxIter");
        if (!(Tol >= 0))
        {
            throw new IccArgumentException($"tol: found {Check.Text(Tol)}, expected 0 or more");
        }
        var weights = Weights(sampleWeight, n);
        var count = Init is null ? NInit : 1;
        var together = Math.Clamp(MostSideBySide / n, 1, count);
        using var problem = new KMeansProblem(backend, x.ToArray(), n, d, NClusters, weights, together);
        var tolerance = Tol == 0 ? 0 : Tol * problem.MeanVariance();
        KMeansRun? best = null;
        var random = new SeededRandom(RandomState);
        for (var start = 0; start < count; start += together)
        {
            var starts = new double[Math.Min(together, count - start)][];
            for (var s = 0; s < starts.Length; s++)
            {
                starts[s] = Init is null ? KMeansPlusPlus.Choose(problem, random) : Given(Init, d);
            }
            foreach (var run in Descend(problem, starts, tolerance))
            {
                best = best is null || run.Inertia < best.Inertia ? run : best;
            }
        }
        var distinct = best!.Labels.Distinct().Count();
        string[] warnings = distinct < NClusters
            ? [$"found {distinct} distinct clusters, expected {NClusters}; points may be duplicates of each other"]
            : [];
        return new KMeansResult(best.Labels, best.Centers, best.Inertia, best.NIter, warnings) { NClusters = NClusters };
    }

    private KMeansRun[] Descend(KMeansProblem problem, double[][] starts, double tolerance)
    {
        var runs = Lloyd.Run(problem, starts, MaxIter, tolerance);
        if (Algorithm == KMeansAlgorithm.Lloyd)
        {
            return runs;
        }
        var (improved, places) = (new List<double[]>(), new List<int>());
        for (var r = 0; r < runs.Length; r++)
        {
            if (Hartigan.Exchange(problem, runs[r], MaxIter, out var centers))
            {
                improved.Add(centers);
                places.Add(r);
            }
        }
        // The exchanges leave means to which their points are nearest; a last assignment settles what rounding left open.
        foreach (var (settled, r) in Lloyd.Run(problem, improved, MaxIter, tolerance).Zip(places))
        {
            runs[r] = settled.Inertia < runs[r].Inertia ? settled with { NIter = runs[r].NIter + settled.NIter } : runs[r];
        }
        return runs;
    }

    private double[] Given(double[] init, int d)
    {
        Check.Points(init, NClusters, d);
        return [.. init];
    }

    private static double[] Weights(ReadOnlySpan<double> given, int n)
    {
        var weights = new double[n];
        if (given.IsEmpty)
        {
            Array.Fill(weights, 1);
            return weights;
        }
        Check.Length(given.Length, n, "sampleWeight");
        var sum = 0.0;
        for (var i = 0; i < n; i++)
        {
            if (!(given[i] >= 0) || (sum += given[i]) > LargestWeight)
            {
                throw new IccArgumentException($"sampleWeight, point {i}: found {Check.Text(given[i])}, expected a number of 0 or more, "
                    + "and a sum of at most 1e20");
            }
            weights[i] = given[i];
        }
        return sum > 0 ? weights : throw new IccArgumentException("sampleWeight: found zeros only, expected a positive weight");
    }
}
