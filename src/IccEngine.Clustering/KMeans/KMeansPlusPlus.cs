namespace IccEngine.Clustering;

/// <summary>
/// Starting centres by greedy k-means++ (Arthur and Vassilvitskii 2007): each next centre is drawn with a probability proportional to
/// the weighted squared distance to the centres so far, and the best of 2 + ln k draws is taken, as scikit-learn does.
/// </summary>
internal static class KMeansPlusPlus
{
    /// <summary>k points as centres [k, d].</summary>
    public static double[] Choose(KMeansProblem problem, SeededRandom random)
    {
        var (n, k) = (problem.N, problem.K);
        var trials = 2 + (int)Math.Log(k);
        var centers = new double[k * problem.D];
        var (closest, candidate, best) = (new double[n], new double[n], new double[n]);
        Array.Fill(closest, 1);
        var potential = problem.Weights.Sum();
        for (var c = 0; c < k; c++)
        {
            var (chosen, least) = (-1, double.PositiveInfinity);
            for (var trial = 0; trial < (c == 0 ? 1 : trials); trial++)
            {
                var drawn = Draw(problem, closest, potential, random);
                var sum = 0.0;
                for (var i = 0; i < n; i++)
                {
                    var squared = Vectors.SquaredDistance(problem.Point(i), problem.Point(drawn));
                    candidate[i] = c == 0 ? squared : Math.Min(squared, closest[i]);
                    sum += problem.Weights[i] * candidate[i];
                }
                if (sum < least)
                {
                    (chosen, least) = (drawn, sum);
                    (best, candidate) = (candidate, best);
                }
            }
            problem.Point(chosen).CopyTo(centers.AsSpan(c * problem.D));
            (closest, best) = (best, closest);
            potential = least;
        }
        return centers;
    }

    /// <summary>A point with probability weight * closest / potential; any point when all lie on centres.</summary>
    private static int Draw(KMeansProblem problem, double[] closest, double potential, SeededRandom random)
    {
        if (potential == 0)
        {
            return random.Next(problem.N);
        }
        var left = random.NextDouble() * potential;
        var last = 0;
        for (var i = 0; i < problem.N; i++)
        {
            var mass = problem.Weights[i] * closest[i];
            if (mass > 0)
            {
                last = i;
                left -= mass;
                if (left < 0)
                {
                    break;
                }
            }
        }
        return last;
    }
}
