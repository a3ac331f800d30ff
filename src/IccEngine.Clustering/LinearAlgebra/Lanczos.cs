using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>What may be set of <see cref="Lanczos"/>.</summary>
public sealed record LanczosOptions
{
    /// <summary>
    /// A pair is taken when its residual |A v - theta v| is at most this times the largest eigenvalue in magnitude; null: 1e-12, or 1e-6
    /// for a matrix of float32.
    /// </summary>
    public double? Tolerance { get; init; }

    /// <summary>Products after which the best pairs so far are returned unconverged; 0 means 20 n, at least 2000.</summary>
    public int MaxProducts { get; init; }

    /// <summary>Seed of the start vectors: equal seeds give equal bits.</summary>
    public long Seed { get; init; }

    /// <summary>Orthonormal eigenvectors already known, [count, n] row-major; the search runs in their complement.</summary>
    public double[] Known { get; init; } = [];

    /// <summary>The largest magnitude among the eigenvalues of the known vectors: the tolerance is relative to it as well.</summary>
    public double KnownValue { get; init; }
}

/// <summary>What <see cref="Lanczos"/> found.</summary>
/// <param name="Pairs">The k largest eigenvalues, descending, with their vectors.</param>
/// <param name="Residuals">[k]: |A v - theta v| of each pair, as estimated by the recurrence.</param>
/// <param name="Products">How many products were taken.</param>
/// <param name="Converged">Whether every residual met the tolerance.</param>
public sealed record LanczosResult(EigenPairs Pairs, double[] Residuals, int Products, bool Converged);

/// <summary>The largest eigenvalues of a symmetric matrix that stays where its backend has it.</summary>
public static class Lanczos
{
    /// <summary>
    /// Lanczos with full reorthogonalisation and thick restarts (Wu and Simon 2000). A Krylov space holds one vector of every
    /// eigenspace, so further copies of a multiple eigenvalue are looked for afterwards: from a new start vector in the complement of
    /// all pairs found, until that complement shows nothing larger. Products and orthogonalisation run on the backend; the projected
    /// problem, of a few hundred rows, and the combination of the basis into eigenvectors on the host.
    /// </summary>
    /// <param name="backend">Whose matrix it is.</param>
    /// <param name="matrix">[n, n], F32 or F64, symmetric, of entries whose squares are finite.</param>
    /// <param name="k">Pairs wanted, at least 1 and at most n less the known ones.</param>
    /// <param name="options">Tolerance, limits, known vectors.</param>
    /// <exception cref="IccArgumentException">The shape, k or the known vectors are outside their limits, or a product is not finite.</exception>
    public static LanczosResult Largest(IBackend backend, Tensor matrix, int k, LanczosOptions? options = null)
    {
        options ??= new LanczosOptions();
        var n = Check.SquareShape(matrix, "matrix");
        if (options.Known.Length % n != 0)
        {
            throw new IccArgumentException($"known vectors: found {options.Known.Length} values, expected a multiple of {n}");
        }
        var locked = options.Known.Chunk(n).ToList();
        Check.Count(k, n - locked.Count, "k");
        var search = new LanczosSearch(backend, matrix, locked, options);
        var found = search.Run(k, null);
        AddMissedCopies(search, locked, found, k, n);
        found.Sort((a, b) => b.Value.CompareTo(a.Value));
        found.RemoveRange(k, found.Count - k);
        var pairs = new EigenPairs([.. found.Select(p => p.Value)], [.. found.SelectMany(p => p.Vector)]);
        return new LanczosResult(pairs, [.. found.Select(p => p.Residual)], search.Products, found.TrueForAll(p => p.Converged));
    }

    private static void AddMissedCopies(LanczosSearch search, List<double[]> locked, List<RitzPair> found, int k, int n)
    {
        locked.AddRange(found.Select(p => p.Vector));
        while (locked.Count < n && search.HasProductsLeft)
        {
            var least = found.Select(p => p.Value).OrderDescending().ElementAt(k - 1);
            // A residual says that an eigenvalue is near, not that none is larger; where it is small beside the gap, the largest one is meant.
            var further = search.Run(1, (value, residual) => value + 10 * residual < least);
            if (further.Count == 0 || further[0].Value <= least + search.Slack)
            {
                return;
            }
            found.AddRange(further);
            locked.AddRange(further.Select(p => p.Vector));
        }
    }
}
