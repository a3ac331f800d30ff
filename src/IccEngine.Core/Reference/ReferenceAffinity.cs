namespace IccEngine.Core;

/// <summary>The operations on affinities in plain loops over float64.</summary>
internal static class ReferenceAffinity
{
    public static void Add(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form)
    {
        ExpectAffinity.Add(pooled, order, sums);
        var (s, n) = (order.Length, sums.Shape[0]);
        var (attention, totals) = (new Reals(pooled, nameof(pooled)), new Reals(sums, nameof(sums)));
        for (var j = 0; j < s; j++)
        {
            var end = form.WholeRows ? s : j;
            var sum = 0.0;
            for (var i = 0; i < end; i++)
            {
                sum += i == j ? 0 : attention[(long)j * s + i];
            }
            for (var i = 0; i < end; i++)
            {
                if (i == j)
                {
                    continue;
                }
                var entry = attention[(long)j * s + i];
                entry = form.Absolute ? entry : entry / (sum + 1e-7) * (form.WholeRows ? s - 1 : j);
                var (high, low) = (Math.Max(order[i], order[j]), Math.Min(order[i], order[j]));
                totals[(long)high * n + low] += form.PowerMean ? Math.Sqrt(Math.Sqrt(entry)) : entry;
                totals[(long)low * n + high] += 1;
            }
        }
    }

    public static void Mean(Tensor sums, AffinityForm form)
    {
        var n = ExpectAffinity.Square(sums, nameof(sums));
        var a = new Reals(sums, nameof(sums));
        for (long i = 0; i < n; i++)
        {
            a[i * n + i] = 0;
            for (long j = 0; j < i; j++)
            {
                var meetings = a[j * n + i];
                var mean = meetings == 0 ? 0 : a[i * n + j] / meetings;
                a[i * n + j] = form.PowerMean ? mean * mean * (mean * mean) : mean;
                a[j * n + i] = a[i * n + j];
            }
        }
    }

    public static void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        ExpectAffinity.Neighbours(affinity, labels, others);
        var a = new Reals(affinity, nameof(affinity));
        for (var i = 0; i < labels.Length; i++)
        {
            others[i] = -1;
            for (var j = 0; j < labels.Length; j++)
            {
                if (a[(long)i * labels.Length + j] != 0 && labels[j] != labels[i] && (others[i] < 0 || labels[j] < others[i]))
                {
                    others[i] = labels[j];
                }
            }
        }
    }

    public static void Normalise(Tensor affinity, Tensor rootDegrees)
    {
        var n = ExpectAffinity.Square(affinity, nameof(affinity));
        ExpectAffinity.Vector(rootDegrees, n, affinity, nameof(rootDegrees));
        var (a, root) = (new Reals(affinity, nameof(affinity)), new Reals(rootDegrees, nameof(rootDegrees)));
        for (long i = 0; i < n; i++)
        {
            for (long j = 0; j < n; j++)
            {
                // In one order on both sides of the diagonal, for symmetry; not by the product, which may leave the range.
                a[i * n + j] = a[i * n + j] / root[Math.Min(i, j)] / root[Math.Max(i, j)];
            }
        }
    }

    public static void Product(Tensor a, Tensor x, Tensor y)
    {
        ExpectAffinity.Product(a, x, y);
        var (matrix, from, to) = (new Reals(a, nameof(a)), new Reals(x, nameof(x)), new Reals(y, nameof(y)));
        for (long i = 0; i < to.Length; i++)
        {
            var sum = 0.0;
            for (long j = 0; j < to.Length; j++)
            {
                sum += matrix[i * to.Length + j] * from[j];
            }
            to[i] = sum;
        }
    }

    public static double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        ExpectAffinity.Basis(basis, w, parts);
        var (rows, left) = (new Reals(basis, nameof(basis)), new Reals(w, nameof(w)));
        Subtract(rows, left, parts);
        Subtract(rows, left, new double[parts.Length]);
        var squares = 0.0;
        for (long i = 0; i < left.Length; i++)
        {
            squares += left[i] * left[i];
        }
        var norm = Math.Sqrt(squares);
        for (long i = 0; i < left.Length && norm > 0; i++)
        {
            left[i] /= norm;
        }
        return norm;
    }

    /// <summary>One pass: all parts are taken of the same w.</summary>
    private static void Subtract(Reals rows, Reals w, Span<double> parts)
    {
        for (var r = 0; r < parts.Length; r++)
        {
            parts[r] = 0;
            for (long i = 0; i < w.Length; i++)
            {
                parts[r] += rows[r * w.Length + i] * w[i];
            }
        }
        for (long i = 0; i < w.Length; i++)
        {
            var sum = 0.0;
            for (var r = 0; r < parts.Length; r++)
            {
                sum += parts[r] * rows[r * w.Length + i];
            }
            w[i] -= sum;
        }
    }
}
