using System.Numerics.Tensors;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Clustering;

/// <summary>Which solver finds the eigenvectors of the Laplacian.</summary>
public enum EigenSolver
{
    /// <summary>Dense for small problems, else Lanczos.</summary>
    Auto,

    /// <summary><see cref="SymmetricEigen.Dense"/>.</summary>
    Dense,

    /// <summary><see cref="IccEngine.Clustering.Lanczos"/>.</summary>
    Lanczos,
}

/// <summary>What may be set of a spectral embedding.</summary>
public sealed record SpectralOptions
{
    /// <summary>Solver to use.</summary>
    public EigenSolver EigenSolver { get; init; }

    /// <summary>Seed of the solver's start vectors.</summary>
    public long RandomState { get; init; }
}

/// <summary>
/// Points placed by the smallest eigenvectors of the normalised Laplacian L = I - D^-1/2 A D^-1/2 (Ng, Jordan and Weiss 2001; von Luxburg
/// 2007), with scikit-learn's habits: the diagonal of A is ignored; a point without any weight counts with square-root degree 1 and
/// Laplacian diagonal 1, so that its eigenvalue is 1 and it is no component; an asymmetric matrix is averaged with its transpose; the
/// eigenvectors are divided by the square-root degrees, the first one is kept, the rows are not normalised, and every column is flipped
/// so that its entry of largest magnitude is positive.
/// </summary>
/// <remarks>
/// Eigenvectors of the eigenvalue 0 may be rotated freely when a graph falls into components. Where there are at least as many of them as columns,
/// the first columns - 1 components with the largest sum of weights get a column each and the others share the last one.
/// </remarks>
public sealed class SpectralEmbedding
{
    /// <summary>Below this the dense solver is as fast.</summary>
    private const int DenseBelow = 64;

    /// <summary>Below this a product with the matrix makes other parts of a vector larger than it does the vector.</summary>
    private const double LeastSharpened = 0.5;

    private SpectralEmbedding(AffinityGraph graph, EigenPairs pairs, bool converged)
    {
        var (n, k) = (graph.N, pairs.Values.Length);
        (N, NComponents, SqrtDegree) = (n, k, graph.SqrtDegree);
        (Eigenvalues, Eigenvectors, Embedding) = (pairs.Values, Sharpened(graph, pairs), new double[n * k]);
        var column = new double[n];
        for (var c = 0; c < k; c++)
        {
            var vector = Eigenvectors.AsSpan(c * n, n);
            for (var i = 0; i < n; i++)
            {
                column[i] = vector[i] / SqrtDegree[i];
            }
            var sign = column[Vectors.LargestMagnitude(column)] < 0 ? -1 : 1;
            for (var i = 0; i < n; i++)
            {
                vector[i] *= sign;
                Embedding[i * k + c] = sign * column[i];
            }
        }
        Warnings = Describe(graph, converged);
    }

    /// <summary>Number of points.</summary>
    public int N { get; }

    /// <summary>Number of columns k.</summary>
    public int NComponents { get; }

    /// <summary>[k]: the smallest eigenvalues of the Laplacian, ascending.</summary>
    public double[] Eigenvalues { get; }

    /// <summary>[k, n] row-major: the unit eigenvectors, one a row.</summary>
    public double[] Eigenvectors { get; }

    /// <summary>[n, k] row-major: the coordinates of the points.</summary>
    public double[] Embedding { get; }

    /// <summary>[n]: square roots of the degrees; 1 for a point without any weight.</summary>
    public double[] SqrtDegree { get; }

    /// <summary>What a user should know: an asymmetric matrix, a graph in parts, a solver that did not converge.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Embeds a precomputed affinity that lies on the host.</summary>
    /// <param name="backend">What computes.</param>
    /// <param name="affinity">[n, n] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="nComponents">Columns wanted, 1 to n.</param>
    /// <param name="options">Solver, seed.</param>
    /// <exception cref="IccArgumentException">A length, a number or an entry outside its limits, or a point whose weights sum below zero.</exception>
    /// <exception cref="IccMemoryException">The backend has no room for the matrix.</exception>
    public static SpectralEmbedding Fit(
        IBackend backend, ReadOnlySpan<double> affinity, int n, int nComponents, SpectralOptions? options = null)
    {
        Check.SquareLength(affinity.Length, n, "affinity", least: 2);
        var room = backend.Allocate(new Shape(n, n), DType.F64);
        using var memory = room.Buffer;
        return Fit(AffinityGraph.From(backend, affinity, room), nComponents, options ?? new SpectralOptions());
    }

    /// <summary>Embeds a precomputed affinity that the backend has; only vectors travel.</summary>
    /// <param name="backend">Whose matrix it is.</param>
    /// <param name="affinity">[n, n], F32 or F64, symmetric, with a zero diagonal and nothing negative; overwritten with its normalised form.</param>
    /// <param name="nComponents">Columns wanted, 1 to n.</param>
    /// <param name="options">Solver, seed.</param>
    /// <exception cref="IccArgumentException">A shape or a number outside its limits, or a point whose weights have no finite sum.</exception>
    public static SpectralEmbedding Fit(IBackend backend, Tensor affinity, int nComponents, SpectralOptions? options = null) =>
        Fit(AffinityGraph.From(backend, affinity), nComponents, options ?? new SpectralOptions());

    private static SpectralEmbedding Fit(AffinityGraph graph, int nComponents, SpectralOptions options)
    {
        var n = graph.N;
        Check.Count(nComponents, n, "nComponents");
        if (graph.Components >= nComponents && !graph.HasNegativeWeight)
        {
            return new SpectralEmbedding(graph, NullPairs(graph, nComponents), true);
        }
        var dense = options.EigenSolver == EigenSolver.Dense
            || options.EigenSolver == EigenSolver.Auto && (n < DenseBelow || nComponents > n / 2);
        if (dense)
        {
            var normalised = new double[n * n];
            graph.Backend.Read(graph.Normalised, normalised);
            var all = SymmetricEigen.Dense(normalised, n);
            var pairs = Enumerable.Range(1, nComponents).Select(i => (1 - all.Values[n - i], all.Vectors.AsMemory((n - i) * n, n)));
            return new SpectralEmbedding(graph, Assemble(pairs), true);
        }
        return WithLanczos(graph, nComponents, options);
    }

    private static SpectralEmbedding WithLanczos(AffinityGraph graph, int k, SpectralOptions options)
    {
        var n = graph.N;
        // The eigenvectors of 0 are known from the components: the search need not find them, and multiplicity does not harm it.
        var known = NullPairs(graph, Math.Min(graph.Components, k));
        var count = known.Values.Length;
        var wanted = graph.HasNegativeWeight ? Math.Min(k, n - count) : k - count;
        var found = Lanczos.Largest(
            graph.Backend, graph.Normalised, wanted,
            new LanczosOptions { Known = known.Vectors, KnownValue = count > 0 ? 1 : 0, Seed = options.RandomState });
        var pairs = Enumerable.Range(0, count).Select(i => (known.Values[i], known.Vectors.AsMemory(i * n, n)))
            .Concat(Enumerable.Range(0, wanted).Select(i => (1 - found.Pairs.Values[i], found.Pairs.Vectors.AsMemory(i * n, n))))
            .OrderBy(p => p.Item1).Take(k);
        return new SpectralEmbedding(graph, Assemble(pairs), found.Converged);
    }

    /// <summary>
    /// The vectors times the matrix, by their eigenvalue: the same vectors, with errors that are small beside each entry. A solver's errors are
    /// small beside the largest entry only; at a point far from all others, whose square-root degree is smaller than that, dividing by it
    /// would leave nothing else, and the point would be thrown anywhere.
    /// </summary>
    private static double[] Sharpened(AffinityGraph graph, EigenPairs pairs)
    {
        var (n, backend) = (graph.N, graph.Backend);
        var work = backend.Allocate(new Shape(2, n), graph.Normalised.DType);
        using var memory = work.Buffer;
        var vectors = pairs.Vectors.ToArray();
        for (var c = 0; c < pairs.Values.Length; c++)
        {
            var value = 1 - pairs.Values[c];
            if (Math.Abs(value) >= LeastSharpened)
            {
                var vector = vectors.AsSpan(c * n, n);
                backend.Write(vector, work.Row(0));
                backend.SymmetricProduct(graph.Normalised, work.Row(0), work.Row(1));
                backend.Read(work.Row(1), vector);
                TensorPrimitives.Divide(vector, value, vector);
            }
        }
        return vectors;
    }

    /// <summary>Eigenvectors of the eigenvalue 0: the square-root degrees on one component, or on several together for the last one.</summary>
    private static EigenPairs NullPairs(AffinityGraph graph, int count)
    {
        var weight = new double[graph.Components];
        for (var i = 0; i < graph.N; i++)
        {
            if (graph.Component[i] >= 0)
            {
                weight[graph.Component[i]] += graph.SqrtDegree[i] * graph.SqrtDegree[i];
            }
        }
        var column = new int[graph.Components];
        var order = Enumerable.Range(0, graph.Components).OrderByDescending(c => weight[c]).ToArray();
        var total = new double[count];
        for (var rank = 0; rank < order.Length; rank++)
        {
            column[order[rank]] = Math.Min(rank, count - 1);
            total[column[order[rank]]] += weight[order[rank]];
        }
        var vectors = new double[count * graph.N];
        for (var i = 0; i < graph.N; i++)
        {
            if (graph.Component[i] >= 0)
            {
                var c = column[graph.Component[i]];
                vectors[c * graph.N + i] = graph.SqrtDegree[i] / Math.Sqrt(total[c]);
            }
        }
        return new EigenPairs(new double[count], vectors);
    }

    private static EigenPairs Assemble(IEnumerable<(double Value, Memory<double> Vector)> pairs)
    {
        var list = pairs.ToList();
        return new EigenPairs([.. list.Select(p => p.Value)], [.. list.SelectMany(p => p.Vector.ToArray())]);
    }

    private static List<string> Describe(AffinityGraph graph, bool converged)
    {
        var warnings = new List<string>();
        if (!graph.GivenSymmetric)
        {
            warnings.Add("the affinity is not symmetric and was averaged with its transpose");
        }
        if (!graph.Connected)
        {
            var isolated = graph.Component.Count(c => c < 0);
            warnings.Add($"the graph is not fully connected ({graph.Components} components, {isolated} points without any weight), "
                + "the embedding may not work as expected");
        }
        if (!converged)
        {
            warnings.Add("the eigen-solver did not converge, the embedding is approximate");
        }
        return warnings;
    }
}
