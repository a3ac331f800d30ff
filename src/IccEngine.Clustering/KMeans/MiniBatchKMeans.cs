using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// Mini-batch k-means (Sculley 2010) with scikit-learn's parameters: each step moves the centres by a random batch of points, every centre
/// with a rate that falls with the points it has seen. For many points: a step costs batchSize x k distances.
/// </summary>
public sealed class MiniBatchKMeans
{
    /// <summary>Number of clusters k, 1 to n.</summary>
    public int NClusters { get; init; } = 8;

    /// <summary>Points of a step.</summary>
    public int BatchSize { get; init; } = 1024;

    /// <summary>Largest number of passes over as many points as there are.</summary>
    public int MaxIter { get; init; } = 100;

    /// <summary>Starts from k-means++; the one with the least inertia on a sample goes on.</summary>
    public int NInit { get; init; } = 3;

    /// <summary>Points that the starts are chosen from and compared on; null for 3 batches, and at least 3 k points.</summary>
    public int? InitSize { get; init; }

    /// <summary>Steps in a row without a lower smoothed inertia after which it ends.</summary>
    public int MaxNoImprovement { get; init; } = 10;

    /// <summary>A centre with less than this part of the largest count is moved to a random point of the batch, now and then.</summary>
    public double ReassignmentRatio { get; init; } = 0.01;

    /// <summary>Seed; equal seeds give equal results.</summary>
    public long RandomState { get; init; }

    /// <summary>Clusters points.</summary>
    /// <param name="backend">What assigns the points to centres; batches stay on the host.</param>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for the points.</exception>
    public KMeansResult Fit(IBackend backend, ReadOnlySpan<double> x, int n, int d)
    {
        Check.Points(x, n, d);
        Check.Count(NClusters, n, "nClusters");
        Check.AtLeast(BatchSize, 1, "batchSize");
        Check.AtLeast(MaxIter, 1, "maxIter");
        Check.AtLeast(NInit, 1, "nInit");
        Check.AtLeast(InitSize ?? 1, 1, "initSize");
        Check.AtLeast(MaxNoImprovement, 1, "maxNoImprovement");
        if (!(ReassignmentRatio >= 0 && ReassignmentRatio <= 1))
        {
            throw new IccArgumentException($"reassignmentRatio: found {Check.Text(ReassignmentRatio)}, expected between 0 and 1");
        }
        var random = new SeededRandom(RandomState);
        using var run = new MiniBatchRun(backend, x.ToArray(), n, d, NClusters, Start(backend, x, n, d, random), random);
        var batch = Math.Min(BatchSize, n);
        var steps = (long)MaxIter * n / batch;
        var (smoothed, least, worse, step) = (0.0, double.PositiveInfinity, 0, 0L);
        while (step < steps && worse < MaxNoImprovement)
        {
            var inertia = run.Step(batch, ReassignmentRatio) / batch;
            // The first step's inertia is that of the start: scikit-learn leaves it out too.
            if (step++ > 0)
            {
                var share = Math.Min(1, 2.0 * batch / (n + 1));
                smoothed = step == 2 ? inertia : smoothed + share * (inertia - smoothed);
                worse = smoothed < least ? 0 : worse + 1;
                least = Math.Min(least, smoothed);
            }
        }
        return run.Result((int)Math.Min(step, int.MaxValue));
    }

    private double[] Start(IBackend backend, ReadOnlySpan<double> x, int n, int d, SeededRandom random)
    {
        var wanted = Math.Max(InitSize ?? Math.Max(3L * BatchSize, 3L * NClusters), NClusters);
        var sample = random.Sample(n, (int)Math.Min(wanted, n));
        var points = new double[sample.Length * d];
        for (var i = 0; i < sample.Length; i++)
        {
            x.Slice(sample[i] * d, d).CopyTo(points.AsSpan(i * d));
        }
        var weights = new double[sample.Length];
        Array.Fill(weights, 1);
        using var problem = new KMeansProblem(backend, points, sample.Length, d, NClusters, weights, sets: 1);
        var (labels, squared) = (new int[sample.Length], new double[sample.Length]);
        var (best, least) = (Array.Empty<double>(), double.PositiveInfinity);
        for (var start = 0; start < NInit; start++)
        {
            var centers = KMeansPlusPlus.Choose(problem, random);
            problem.Nearest(centers, labels, squared);
            var inertia = squared.Sum();
            if (best.Length == 0 || inertia < least)
            {
                (best, least) = (centers, inertia);
            }
        }
        return best;
    }
}
