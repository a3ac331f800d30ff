using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>One descent of k-means.</summary>
internal sealed record KMeansRun(int[] Labels, double[] Centers, double Inertia, int NIter);

/// <summary>Lloyd's algorithm (1957) with scikit-learn's stop rule and rule for empty clusters.</summary>
internal static class Lloyd
{
    /// <summary>
    /// Alternates nearest centres and means until the labels repeat, the squared moves of the centres sum to at most
    /// <paramref name="tolerance"/>, or <paramref name="maxIter"/> is reached. The labels belong to the final centres. All starts go side by
    /// side, each as it would alone: a backend is asked for the nearest centres of all of them at once.
    /// </summary>
    /// <param name="problem">Points and weights.</param>
    /// <param name="starts">Centres [k, d] of each start; overwritten.</param>
    /// <param name="maxIter">Largest number of updates of a start.</param>
    /// <param name="tolerance">Bound on the sum of squared moves.</param>
    public static KMeansRun[] Run(KMeansProblem problem, IReadOnlyList<double[]> starts, int maxIter, double tolerance)
    {
        var (n, size) = (problem.N, problem.K * problem.D);
        var (centers, labels, squared) = (new double[starts.Count * size], new int[starts.Count * n], new double[starts.Count * n]);
        var (before, iterations) = (new int[starts.Count * n], new int[starts.Count]);
        Array.Fill(before, -1);
        var moving = Enumerable.Range(0, starts.Count).ToList();
        for (var step = 0; step < maxIter && moving.Count > 0; step++)
        {
            Assign(problem, moving, starts, centers, labels, squared);
            var still = 0;
            for (var place = 0; place < moving.Count; place++)
            {
                var start = moving[place];
                var found = labels.AsSpan(place * n, n);
                var last = before.AsSpan(start * n, n);
                var moved = Update(problem, starts[start], found, squared.AsSpan(place * n, n));
                iterations[start]++;
                if (!(moved <= tolerance) && !found.SequenceEqual(last))
                {
                    found.CopyTo(last);
                    moving[still++] = start;
                }
            }
            moving.RemoveRange(still, moving.Count - still);
        }
        moving = [.. Enumerable.Range(0, starts.Count)];
        Assign(problem, moving, starts, centers, labels, squared);
        return
        [
            .. moving.Select(s => new KMeansRun(
                labels[(s * n)..((s + 1) * n)], starts[s], TensorPrimitives.Dot<double>(problem.Weights, squared.AsSpan(s * n, n)), iterations[s])),
        ];
    }

    /// <summary>Labels and squared distances of some starts, one after the other.</summary>
    private static void Assign(
        KMeansProblem problem, List<int> some, IReadOnlyList<double[]> starts, double[] centers, int[] labels, double[] squared)
    {
        var (count, size) = (some.Count, problem.K * problem.D);
        if (count == 0)
        {
            return;
        }
        for (var place = 0; place < count; place++)
        {
            starts[some[place]].CopyTo(centers, place * size);
        }
        problem.Nearest(centers.AsSpan(0, count * size), labels.AsSpan(0, count * problem.N), squared.AsSpan(0, count * problem.N));
    }

    /// <summary>Moves every centre to the weighted mean of its points; returns the sum of the squared moves.</summary>
    private static double Update(KMeansProblem problem, double[] centers, ReadOnlySpan<int> labels, ReadOnlySpan<double> squared)
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
    private static ReadOnlySpan<int> FillEmpty(KMeansProblem problem, ReadOnlySpan<int> labels, ReadOnlySpan<double> squared)
    {
        var weight = new double[problem.K];
        for (var i = 0; i < problem.N; i++)
        {
            weight[labels[i]] += problem.Weights[i];
        }
        // Where every point lies on its centre there are fewer distinct points than clusters, and nothing is gained by moving one.
        if (!weight.Contains(0) || TensorPrimitives.Max(squared) == 0)
        {
            return labels;
        }
        var (owner, distances) = (labels.ToArray(), squared.ToArray());
        var empty = Enumerable.Range(0, problem.K).Where(c => weight[c] == 0).ToArray();
        var farthest = Enumerable.Range(0, problem.N).OrderByDescending(i => distances[i]).Take(empty.Length).ToArray();
        for (var e = 0; e < farthest.Length; e++)
        {
            owner[farthest[e]] = empty[e];
        }
        return owner;
    }
}
