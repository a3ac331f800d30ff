using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>Lloyd's algorithm (1957) with scikit-learn's stop rule and rule for empty clusters.</summary>
internal static class Lloyd
{
    /// <summary>
    /// Alternates nearest centres and means until the labels repeat, the squared moves of the centres sum to at most
    /// <paramref name="tolerance"/>, or <paramref name="maxIter"/> is reached. The labels belong to the final centres.
    /// </summary>
    /// <param name="problem">Points and weights.</param>
    /// <param name="centers">Start [k, d]; overwritten.</param>
    /// <param name="maxIter">Largest number of updates.</param>
    /// <param name="tolerance">Bound on the sum of squared moves.</param>
    public static KMeansRun Run(KMeansProblem problem, double[] centers, int maxIter, double tolerance)
    {
        var (labels, before, squared) = (new int[problem.N], new int[problem.N], new double[problem.N]);
        Array.Fill(before, -1);
        var iterations = 0;
        while (iterations < maxIter)
        {
            Assign(problem, centers, labels, squared);
            var moved = Update(problem, centers, labels, squared);
            iterations++;
            if (labels.AsSpan().SequenceEqual(before) || moved <= tolerance)
            {
                break;
            }
            labels.CopyTo(before, 0);
        }
        var inertia = Assign(problem, centers, labels, squared);
        return new KMeansRun(labels, centers, inertia, iterations);
    }

    /// <summary>Labels and squared distances; returns the weighted sum of the latter.</summary>
    private static double Assign(KMeansProblem problem, double[] centers, int[] labels, double[] squared)
    {
        problem.Nearest(centers, labels, squared);
        return TensorPrimitives.Dot<double>(problem.Weights, squared);
    }

    /// <summary>Moves every centre to the weighted mean of its points; returns the sum of the squared moves.</summary>
    private static double Update(KMeansProblem problem, double[] centers, int[] labels, double[] squared)
    {
        var (d, k) = (problem.D, problem.K);
        var owner = FillEmpty(problem, labels, squared);
        var (means, weight) = (new double[k * d], new double[k]);
        for (var i = 0; i < problem.N; i++)
        {
            Vectors.AddScaled(problem.Point(i), problem.Weights[i], means.AsSpan(owner[i] * d, d));
            weight[owner[i]] += problem.Weights[i];
        }
        for (var c = 0; c < k; c++)
        {
            for (var j = 0; j < d; j++)
            {
                means[c * d + j] /= weight[c];
            }
        }
        // A cluster that is still without weight waits at the centre of the heaviest one.
        var heaviest = Vectors.LargestMagnitude(weight);
        for (var c = 0; c < k; c++)
        {
            if (weight[c] == 0)
            {
                means.AsSpan(heaviest * d, d).CopyTo(means.AsSpan(c * d, d));
            }
        }
        var moved = Vectors.SquaredDistance(means, centers);
        means.CopyTo(centers, 0);
        return moved;
    }

    /// <summary>The labels with every cluster without weight given one of the points farthest from their own centres, farthest first.</summary>
    private static int[] FillEmpty(KMeansProblem problem, int[] labels, double[] squared)
    {
        var weight = new double[problem.K];
        for (var i = 0; i < problem.N; i++)
        {
            weight[labels[i]] += problem.Weights[i];
        }
        var empty = Enumerable.Range(0, problem.K).Where(c => weight[c] == 0).ToArray();
        // Where every point lies on its centre there are fewer distinct points than clusters, and nothing is gained by moving one.
        if (empty.Length == 0 || squared.Max() == 0)
        {
            return labels;
        }
        var owner = (int[])labels.Clone();
        var farthest = Enumerable.Range(0, problem.N).OrderByDescending(i => squared[i]).Take(empty.Length).ToArray();
        for (var e = 0; e < farthest.Length; e++)
        {
            owner[farthest[e]] = empty[e];
        }
        return owner;
    }
}
