namespace IccEngine.Clustering;

/// <summary>How many points each cluster of an episode has.</summary>
public static class ClusterSizes
{
    /// <summary>
    /// The original's rule: 1 + the share of n - c points, rounded half to even, and what is left over or too much to cluster 0, which may
    /// come out below 1.
    /// </summary>
    /// <param name="n">Number of points, at least c.</param>
    /// <param name="shares">[c], 0 or more, not all 0.</param>
    /// <returns>[c], of sum n.</returns>
    public static int[] Of(int n, ReadOnlySpan<double> shares)
    {
        var (c, sum) = (shares.Length, 0.0);
        foreach (var share in shares)
        {
            sum += share;
        }
        var (sizes, left) = (new int[c], n);
        for (var i = 0; i < c; i++)
        {
            sizes[i] = 1 + (int)Math.Round((n - c) * shares[i] / sum, MidpointRounding.ToEven);
            left -= sizes[i];
        }
        sizes[0] += left;
        return sizes;
    }

    /// <summary>1 each, and the others as near to the shares as whole numbers come; never below 1.</summary>
    /// <param name="n">Number of points, at least c.</param>
    /// <param name="shares">[c], 0 or more, not all 0.</param>
    /// <returns>[c], of sum n.</returns>
    internal static int[] InProportion(int n, double[] shares)
    {
        var (c, total, sum) = (shares.Length, shares.Sum(), 0.0);
        var (sizes, given) = (new int[c], 0);
        for (var i = 0; i < c; i++)
        {
            sum += shares[i];
            var until = i == c - 1 ? n - c : (int)((n - c) * sum / total);
            (sizes[i], given) = (1 + until - given, until);
        }
        return sizes;
    }

    /// <summary>Sizes by uniform shares, drawn again while cluster 0 is empty.</summary>
    /// <param name="random">Where the shares come from.</param>
    /// <param name="n">Number of points, at least c.</param>
    /// <param name="c">Number of clusters, at least 1.</param>
    public static int[] Draw(SeededRandom random, int n, int c)
    {
        var shares = new double[c];
        while (true)
        {
            for (var i = 0; i < c; i++)
            {
                shares[i] = random.NextDouble();
            }
            if (shares.Any(s => s > 0) && Of(n, shares) is var sizes && sizes[0] >= 1)
            {
                return sizes;
            }
        }
    }
}
