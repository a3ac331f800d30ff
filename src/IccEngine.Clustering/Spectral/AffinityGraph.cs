using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// An affinity as spectral methods see it: symmetric, without its diagonal, scaled by the degrees, with the components it falls into. The
/// matrix stays where its backend has it.
/// </summary>
internal sealed class AffinityGraph
{
    /// <summary>Values of a host matrix that are averaged with their mirror images before they are handed over.</summary>
    private const int ValuesAtOnce = 1 << 20;

    private AffinityGraph(IBackend backend, Tensor matrix)
    {
        (Backend, Normalised, N) = (backend, matrix, matrix.Shape[0]);
        (SqrtDegree, Component) = (new double[N], new int[N]);
    }

    /// <summary>Whose matrix it is.</summary>
    public IBackend Backend { get; }

    /// <summary>Number of points.</summary>
    public int N { get; }

    /// <summary>[n]: square root of the sum of a row without its diagonal; 1 for a point without any weight.</summary>
    public double[] SqrtDegree { get; }

    /// <summary>[n, n]: D^-1/2 A D^-1/2 with a zero diagonal; the normalised Laplacian is the identity minus this.</summary>
    public Tensor Normalised { get; }

    /// <summary>[n]: which component a point belongs to, numbered by first appearance; -1 for a point without any weight.</summary>
    public int[] Component { get; }

    /// <summary>Components of two points or more.</summary>
    public int Components { get; private set; }

    /// <summary>Whether every point can be reached from every other one.</summary>
    public bool Connected => N == 1 || Components == 1 && Array.TrueForAll(Component, c => c >= 0);

    /// <summary>Whether a weight is negative; the Laplacian then may have negative eigenvalues.</summary>
    public bool HasNegativeWeight { get; private set; }

    /// <summary>Whether the matrix given was symmetric (numpy's allclose with its transpose, absolute tolerance 1e-10).</summary>
    public bool GivenSymmetric { get; private set; } = true;

    /// <summary>Prepares an affinity that is symmetric, with a zero diagonal and without negative weights; it is overwritten.</summary>
    /// <exception cref="IccArgumentException">A point whose weights have no finite sum.</exception>
    public static AffinityGraph From(IBackend backend, Tensor affinity)
    {
        Check.SquareShape(affinity, "affinity", least: 2);
        var graph = new AffinityGraph(backend, affinity);
        graph.Prepare();
        return graph;
    }

    /// <summary>Checks an affinity [n, n] on the host, hands it over to <paramref name="room"/> [n, n], and prepares it there.</summary>
    /// <exception cref="IccArgumentException">A wrong length, an entry that is not finite, a point whose weights sum below zero.</exception>
    public static AffinityGraph From(IBackend backend, ReadOnlySpan<double> affinity, Tensor room)
    {
        Check.Square(affinity, room.Shape[0], "affinity", least: 2);
        var graph = new AffinityGraph(backend, room);
        graph.Symmetrise(affinity);
        graph.Prepare();
        return graph;
    }

    private void Symmetrise(ReadOnlySpan<double> affinity)
    {
        var rows = Math.Clamp(ValuesAtOnce / N, 1, N);
        var (values, mean) = (new double[rows * N], new SymmetricPart(N));
        for (var first = 0; first < N; first += rows)
        {
            var count = Math.Min(rows, N - first);
            mean.Rows(affinity, first, count, values);
            Backend.Write(values.AsSpan(0, count * N), Normalised.Rows(first, count));
        }
        (GivenSymmetric, HasNegativeWeight) = (mean.IsSymmetric, mean.HasNegative);
    }

    private void Prepare()
    {
        FindComponents();
        Normalise();
    }

    /// <summary>Every component joins the one with the smallest number beside it, until none has another beside it (Boruvka).</summary>
    private void FindComponents()
    {
        var label = Enumerable.Range(0, N).ToArray();
        var (beside, alone) = (new int[N], new bool[N]);
        for (var round = 0; ; round++)
        {
            Backend.NeighbourLabels(Normalised, label, beside);
            if (round == 0)
            {
                alone = Array.ConvertAll(beside, b => b < 0);
            }
            if (Array.TrueForAll(beside, b => b < 0))
            {
                break;
            }
            Join(label, beside);
            if (Array.TrueForAll(label, l => l == label[0]))
            {
                break;
            }
        }
        var numbers = new Dictionary<int, int>();
        for (var i = 0; i < N; i++)
        {
            Component[i] = alone[i] ? -1 : numbers.TryGetValue(label[i], out var number) ? number : numbers[label[i]] = numbers.Count;
        }
        Components = numbers.Count;
    }

    private static void Join(int[] label, int[] beside)
    {
        var root = Enumerable.Range(0, label.Length).ToArray();
        int Find(int x)
        {
            while (root[x] != x)
            {
                x = root[x] = root[root[x]];
            }
            return x;
        }
        for (var i = 0; i < label.Length; i++)
        {
            if (beside[i] >= 0)
            {
                var (a, b) = (Find(label[i]), Find(beside[i]));
                root[Math.Max(a, b)] = Math.Min(a, b);
            }
        }
        for (var i = 0; i < label.Length; i++)
        {
            label[i] = Find(label[i]);
        }
    }

    private void Normalise()
    {
        var work = Backend.Allocate(new Shape(2, N), Normalised.DType);
        using var memory = work.Buffer;
        var (x, y) = (work.Row(0), work.Row(1));
        var ones = new double[N];
        Array.Fill(ones, 1);
        Backend.Write(ones, x);
        Backend.SymmetricProduct(Normalised, x, y);
        Backend.Read(y, SqrtDegree);
        for (var i = 0; i < N; i++)
        {
            var degree = SqrtDegree[i];
            if (degree < 0 || !double.IsFinite(degree))
            {
                throw new IccArgumentException($"affinity, row {i}: found weights that sum to {Check.Text(degree)}, expected a finite sum of 0 or more");
            }
            SqrtDegree[i] = degree == 0 ? 1 : Math.Sqrt(degree);
        }
        Backend.Write(SqrtDegree, x);
        Backend.NormaliseAffinity(Normalised, x);
    }
}
