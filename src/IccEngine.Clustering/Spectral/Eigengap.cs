using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>The number of clusters, read off the smallest eigenvalues of a Laplacian (von Luxburg 2007, section 8.3).</summary>
public static class Eigengap
{
    /// <summary>Numbers of clusters above this are not considered.</summary>
    public const int MaxCandidates = 10;

    /// <summary>
    /// The k in <paramref name="from"/> .. min(10, count - 1) with the largest gap between the k-th and the next eigenvalue; the
    /// smallest of several. On attention affinities the first gap nearly always wins, whence the default of 2.
    /// </summary>
    /// <param name="eigenvalues">Smallest eigenvalues, ascending; 11 of them, or all where there are fewer points.</param>
    /// <param name="from">Smallest number considered.</param>
    /// <exception cref="IccArgumentException">Too few eigenvalues for one gap, a number below 1, or eigenvalues that do not ascend.</exception>
    public static int Choose(ReadOnlySpan<double> eigenvalues, int from = 2)
    {
        Check.AtLeast(from, 1, "from");
        var last = Math.Min(MaxCandidates, eigenvalues.Length - 1);
        if (from > last)
        {
            throw new IccArgumentException($"eigengap: found {eigenvalues.Length} eigenvalues, from = {from}; expected more than {from}, "
                + $"and from at most {MaxCandidates}");
        }
        var (best, gap) = (from, double.NegativeInfinity);
        for (var k = 1; k <= last; k++)
        {
            var found = eigenvalues[k] - eigenvalues[k - 1];
            if (!(found >= 0))
            {
                throw new IccArgumentException($"eigenvalues: found {Check.Text(eigenvalues[k - 1])} before {Check.Text(eigenvalues[k])}, "
                    + "expected ascending numbers");
            }
            if (k >= from && found > gap)
            {
                (best, gap) = (k, found);
            }
        }
        return best;
    }
}
