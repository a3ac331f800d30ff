using IccEngine.Clustering;

namespace IccEngine.InContext;

/// <summary>
/// Which points are shown to the model together, and in which order. Up to what one prompt holds: all of them, in
/// <c>permutations</c> orders, the first being the order given. Beyond: random subsets in random order, as many that each pair of
/// points meets <c>permutations</c> times on average.
/// </summary>
internal static class SubsetPlan
{
    /// <summary>Orders: each an array of point numbers.</summary>
    /// <param name="points">Number of points n.</param>
    /// <param name="format">Gives the limits.</param>
    /// <param name="permutations">Orders, or mean meetings of a pair.</param>
    /// <param name="seed">Equal seeds give equal plans.</param>
    public static IReadOnlyList<int[]> Make(int points, IPromptFormat format, int permutations, long seed)
    {
        if (points <= (format.MaxPoints ?? int.MaxValue))
        {
            return Orders(points, permutations, seed);
        }
        var random = new SeededRandom(seed);
        var all = Enumerable.Range(0, points).ToArray();
        var plan = new List<int[]>();
        var ratio = (double)points / format.SubsetPoints;
        var runs = permutations * (long)Math.Ceiling(ratio * ratio);
        for (var at = points; plan.Count < runs; at += format.SubsetPoints)
        {
            // Disjoint pieces of one shuffle: every point is seen about equally often.
            if (at + format.SubsetPoints > points)
            {
                random.Shuffle(all);
                at = 0;
            }
            plan.Add(all[at..(at + format.SubsetPoints)]);
        }
        return plan;
    }

    /// <summary>
    /// An order of the features for each prompt, the first being the order given: a model need not read all features alike, and the mean over
    /// orders does.
    /// </summary>
    public static IReadOnlyList<int[]> Features(int features, int prompts, long seed) => Orders(features, prompts, seed);

    /// <summary>All points in so many orders, the first being the order given.</summary>
    public static IReadOnlyList<int[]> Orders(int points, int permutations, long seed)
    {
        var random = new SeededRandom(seed);
        var all = Enumerable.Range(0, points).ToArray();
        var plan = new List<int[]> { all.ToArray() };
        while (plan.Count < permutations)
        {
            random.Shuffle(all);
            plan.Add([.. all]);
        }
        return plan;
    }
}
