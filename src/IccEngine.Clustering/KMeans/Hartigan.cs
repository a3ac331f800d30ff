namespace IccEngine.Clustering;

/// <summary>
/// Hartigan's exchanges (1975; Telgarsky and Vattani 2010): with W the weight of a cluster, moving a point of weight w from a to b
/// changes the inertia by w (W_b / (W_b + w) |x - b|^2 - W_a / (W_a - w) |x - a|^2).
/// </summary>
internal static class Hartigan
{
    /// <summary>A gain below this part of the inertia is rounding; without a bound such moves could go in circles.</summary>
    private const double LeastGain = 1e-12;

    /// <summary>Walks over the points, moving each where that gains most, until a walk moves none or <paramref name="maxWalks"/> is reached.</summary>
    /// <returns>Whether a point moved; the means are in <paramref name="centers"/> then.</returns>
    public static bool Exchange(KMeansProblem problem, KMeansRun run, int maxWalks, out double[] centers)
    {
        var d = problem.D;
        centers = [.. run.Centers];
        var (labels, weight, count) = ((int[])run.Labels.Clone(), new double[problem.K], new int[problem.K]);
        for (var i = 0; i < problem.N; i++)
        {
            weight[labels[i]] += problem.Weights[i];
            count[labels[i]]++;
        }
        var moved = false;
        var moving = true;
        for (var walk = 0; walk < maxWalks && moving; walk++)
        {
            moving = false;
            for (var i = 0; i < problem.N; i++)
            {
                var (w, a) = (problem.Weights[i], labels[i]);
                if (w == 0 || count[a] == 1 || weight[a] <= w)
                {
                    continue;
                }
                var b = Better(problem, i, a, centers, weight, LeastGain * run.Inertia);
                if (b == a)
                {
                    continue;
                }
                Shift(centers.AsSpan(a * d, d), problem.Point(i), -w / (weight[a] - w));
                Shift(centers.AsSpan(b * d, d), problem.Point(i), w / (weight[b] + w));
                weight[a] -= w;
                weight[b] += w;
                count[a]--;
                count[b]++;
                labels[i] = b;
                (moving, moved) = (true, true);
            }
        }
        return moved;
    }

    private static int Better(KMeansProblem problem, int i, int a, double[] centers, double[] weight, double leastGain)
    {
        var (d, w) = (problem.D, problem.Weights[i]);
        var stay = weight[a] / (weight[a] - w) * Vectors.SquaredDistance(problem.Point(i), centers.AsSpan(a * d, d));
        var (best, least) = (a, stay - leastGain / w);
        for (var b = 0; b < problem.K; b++)
        {
            var go = b == a ? stay : weight[b] / (weight[b] + w) * Vectors.SquaredDistance(problem.Point(i), centers.AsSpan(b * d, d));
            if (go < least)
            {
                (best, least) = (b, go);
            }
        }
        return best;
    }

    /// <summary>center += share (point - center).</summary>
    private static void Shift(Span<double> center, ReadOnlySpan<double> point, double share)
    {
        for (var j = 0; j < center.Length; j++)
        {
            center[j] += share * (point[j] - center[j]);
        }
    }
}
