namespace IccEngine.Core;

/// <summary>What a caller of the operations on affinities may get wrong.</summary>
internal static class ExpectAffinity
{
    /// <summary>A tensor of numbers: F32 or F64.</summary>
    public static void Real(Tensor x, string name) =>
        Expect.That(!x.IsEmpty && x.DType is DType.F32 or DType.F64, name, x.IsEmpty ? "nothing" : $"{x.DType}", "F32 or F64");

    /// <summary>An element type that <see cref="IBackend.Allocate(Shape, DType)"/> takes.</summary>
    public static void Real(DType dtype) => Expect.That(dtype is DType.F32 or DType.F64, nameof(dtype), dtype, "F32 or F64");

    /// <summary>A matrix [n, n].</summary>
    public static int Square(Tensor a, string name)
    {
        Real(a, name);
        Expect.That(a.Shape.Rank == 2 && a.Shape[0] == a.Shape[1], name, a.Shape, "a square matrix");
        return a.Shape[0];
    }

    /// <summary>A vector [n] that goes with a matrix.</summary>
    public static void Vector(Tensor x, int n, Tensor matrix, string name)
    {
        Expect.Shape(x, new Shape(n), name);
        Expect.That(x.DType == matrix.DType, name, x.DType, matrix.DType);
    }

    /// <summary>The arguments of <see cref="IBackend.AddAffinity"/>.</summary>
    public static void Add(Tensor pooled, ReadOnlySpan<int> order, Tensor sums)
    {
        var n = Square(sums, nameof(sums));
        var s = Square(pooled, nameof(pooled));
        Expect.That(pooled.DType == DType.F32 || sums.DType == DType.F64, nameof(pooled), pooled.DType, sums.DType);
        Expect.That(order.Length == s, nameof(order), order.Length, s);
        var seen = new bool[n];
        foreach (var point in order)
        {
            Expect.That(point >= 0 && point < n && !seen[point], nameof(order), point, $"different points below {n}");
            seen[point] = true;
        }
    }

    /// <summary>The arguments of <see cref="IBackend.NeighbourLabels"/>.</summary>
    public static void Neighbours(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        var n = Square(affinity, nameof(affinity));
        Expect.That(labels.Length == n, nameof(labels), labels.Length, n);
        Expect.That(others.Length == n, nameof(others), others.Length, n);
    }

    /// <summary>The arguments of <see cref="IBackend.SymmetricProduct"/>.</summary>
    public static void Product(Tensor a, Tensor x, Tensor y)
    {
        var n = Square(a, nameof(a));
        Vector(x, n, a, nameof(x));
        Vector(y, n, a, nameof(y));
        Expect.That(x.Buffer != y.Buffer || Math.Abs(x.Offset - y.Offset) >= n, nameof(y), "x", "another vector");
    }

    /// <summary>The arguments of <see cref="IBackend.Orthonormalise"/>.</summary>
    public static void Basis(Tensor basis, Tensor w, Span<double> parts)
    {
        Real(basis, nameof(basis));
        Expect.That(basis.Shape.Rank == 2, nameof(basis), basis.Shape, "two dimensions");
        var (rows, n) = (basis.Shape[0], basis.Shape[1]);
        Vector(w, n, basis, nameof(w));
        Expect.That(parts.Length == rows, nameof(parts), parts.Length, rows);
        var apart = basis.Buffer != w.Buffer || w.Offset >= basis.Offset + basis.Shape.Elements || w.Offset + n <= basis.Offset;
        Expect.That(apart, nameof(w), "inside the basis", "another vector");
    }
}
