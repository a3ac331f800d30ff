using System.Numerics.Tensors;
using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>
/// An affinity as spectral methods see it: symmetric, without its diagonal, scaled by the degrees, with the components it falls into.
/// </summary>
internal sealed class AffinityGraph
{
    private AffinityGraph(int n) => (N, SqrtDegree, Normalised, Component) = (n, new double[n], new double[n * n], new int[n]);

    /// <summary>Number of points.</summary>
    public int N { get; }

    /// <summary>[n]: square root of the sum of a row without its diagonal; 1 for a point without any weight.</summary>
    public double[] SqrtDegree { get; }

    /// <summary>[n, n]: D^-1/2 A D^-1/2 with a zero diagonal; the normalised Laplacian is the identity minus this.</summary>
    public double[] Normalised { get; }

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

    /// <summary>Checks and prepares an affinity [n, n].</summary>
    /// <exception cref="IccArgumentException">A wrong length, an entry that is not finite, a point whose weights sum below zero.</exception>
    public static AffinityGraph From(ReadOnlySpan<double> affinity, int n)
    {
        Check.Square(affinity, n, "affinity", least: 2);
        var graph = new AffinityGraph(n);
        graph.Symmetrise(affinity);
        graph.FindComponents();
        graph.Normalise();
        return graph;
    }

    private void Symmetrise(ReadOnlySpan<double> affinity)
    {
        for (var i = 0; i < N; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (a, b) = (affinity[i * N + j], affinity[j * N + i]);
                GivenSymmetric &= Math.Abs(a - b) <= 1e-10 + 1e-5 * Math.Abs(b);
                HasNegativeWeight |= a + b < 0;
                // Halved first: the sum of two large numbers need not be a number.
                Normalised[i * N + j] = Normalised[j * N + i] = a / 2 + b / 2;
            }
        }
    }

    private void FindComponents()
    {
        Array.Fill(Component, -1);
        var queue = new Queue<int>();
        for (var start = 0; start < N; start++)
        {
            if (Component[start] >= 0 || !Normalised.AsSpan(start * N, N).ContainsAnyExcept(0.0))
            {
                continue;
            }
            Component[start] = Components;
            queue.Enqueue(start);
            while (queue.TryDequeue(out var i))
            {
                for (var j = 0; j < N; j++)
                {
                    if (Normalised[i * N + j] != 0 && Component[j] < 0)
                    {
                        Component[j] = Components;
                        queue.Enqueue(j);
                    }
                }
            }
            Components++;
        }
    }

    private void Normalise()
    {
        for (var i = 0; i < N; i++)
        {
            var degree = TensorPrimitives.Sum<double>(Normalised.AsSpan(i * N, N));
            if (degree < 0 || !double.IsFinite(degree))
            {
                throw new IccArgumentException($"affinity, row {i}: found weights that sum to {Check.Text(degree)}, expected a finite sum of 0 or more");
            }
            SqrtDegree[i] = degree == 0 ? 1 : Math.Sqrt(degree);
        }
        for (var i = 0; i < N; i++)
        {
            var row = Normalised.AsSpan(i * N, N);
            TensorPrimitives.Divide(row, SqrtDegree, row);
            TensorPrimitives.Divide(row, SqrtDegree[i], row);
        }
    }
}
