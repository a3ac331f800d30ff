using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace IccEngine.Clustering;

/// <summary>The few operations on double vectors that the solvers spend their time in, written over the widest SIMD vectors there are.</summary>
internal static class Vectors
{
    /// <summary>y += scale * x.</summary>
    public static void AddScaled(ReadOnlySpan<double> x, double scale, Span<double> y) => TensorPrimitives.MultiplyAdd(x, scale, y, y);

    /// <summary>(a, b) becomes (c a - s b, s a + c b), element by element.</summary>
    public static void Rotate(Span<double> a, Span<double> b, double c, double s)
    {
        var va = MemoryMarshal.Cast<double, Vector<double>>(a);
        var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        for (var i = 0; i < va.Length; i++)
        {
            var (p, q) = (va[i], vb[i]);
            va[i] = p * c - q * s;
            vb[i] = p * s + q * c;
        }
        for (var i = va.Length * Vector<double>.Count; i < a.Length; i++)
        {
            var (p, q) = (a[i], b[i]);
            a[i] = p * c - q * s;
            b[i] = p * s + q * c;
        }
    }

    /// <summary>Sum of squared differences.</summary>
    public static double SquaredDistance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sum = 0.0;
        var done = 0;
        if (a.Length >= 4 * Vector<double>.Count)
        {
            var va = MemoryMarshal.Cast<double, Vector<double>>(a);
            var vb = MemoryMarshal.Cast<double, Vector<double>>(b);
            var total = Vector<double>.Zero;
            for (var i = 0; i < va.Length; i++)
            {
                var difference = va[i] - vb[i];
                total += difference * difference;
            }
            sum = Vector.Sum(total);
            done = va.Length * Vector<double>.Count;
        }
        for (var i = done; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            sum += difference * difference;
        }
        return sum;
    }

    /// <summary>Removes from <paramref name="w"/> its parts along the first rows of an orthonormal set, one after the other.</summary>
    public static void Orthogonalise(Span<double> w, IReadOnlyList<double[]> rows, int count)
    {
        for (var i = 0; i < count; i++)
        {
            AddScaled(rows[i], -TensorPrimitives.Dot<double>(rows[i], w), w);
        }
    }

    /// <summary>Index of the entry of largest magnitude, the first of several.</summary>
    public static int LargestMagnitude(ReadOnlySpan<double> x)
    {
        var best = 0;
        for (var i = 1; i < x.Length; i++)
        {
            if (Math.Abs(x[i]) > Math.Abs(x[best]))
            {
                best = i;
            }
        }
        return best;
    }
}
