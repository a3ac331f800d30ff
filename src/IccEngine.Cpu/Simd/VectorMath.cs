using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>Functions on vectors and on whole arrays, over any instruction set.</summary>
internal static unsafe class VectorMath<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>
    /// e^x within 2 units in the last place where that is a normal number, exactly 1 at 0, exactly 0 at minus infinity, infinity where
    /// e^x has no float; NaN stays NaN. With x = n ln 2 + r the result is 2^n e^r, and e^r on |r| &lt;= ln(2)/2 is a polynomial of
    /// degree 6 through Chebyshev nodes (relative error 1e-8).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Exp(TV x)
    {
        x = TOps.Min(TOps.Broadcast(89f), TOps.Max(TOps.Broadcast(-105f), x));
        var n = TOps.Round(TOps.Multiply(x, TOps.Broadcast(1.44269504f)));
        // ln 2 in two parts, the first short enough that n times it is exact.
        var r = TOps.MultiplyAdd(n, TOps.Broadcast(-0.693359375f), x);
        r = TOps.MultiplyAdd(n, TOps.Broadcast(2.12194440e-4f), r);
        var q = TOps.MultiplyAdd(r, TOps.Broadcast(0.00139264062f), TOps.Broadcast(0.00836335727f));
        q = TOps.MultiplyAdd(r, q, TOps.Broadcast(0.0416665533f));
        q = TOps.MultiplyAdd(r, q, TOps.Broadcast(0.166665759f));
        q = TOps.MultiplyAdd(r, q, TOps.Broadcast(0.5f));
        q = TOps.MultiplyAdd(TOps.Multiply(r, r), q, r);
        return TOps.Scale(TOps.Add(q, TOps.Broadcast(1f)), n);
    }

    /// <summary>The sum of a[i] * b[i].</summary>
    public static float Dot(float* a, float* b, int n)
    {
        var (s0, s1, s2, s3) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var i = 0;
        for (; i <= n - 4 * TOps.Count; i += 4 * TOps.Count)
        {
            s0 = TOps.MultiplyAdd(TOps.Load(a + i), TOps.Load(b + i), s0);
            s1 = TOps.MultiplyAdd(TOps.Load(a + i + TOps.Count), TOps.Load(b + i + TOps.Count), s1);
            s2 = TOps.MultiplyAdd(TOps.Load(a + i + 2 * TOps.Count), TOps.Load(b + i + 2 * TOps.Count), s2);
            s3 = TOps.MultiplyAdd(TOps.Load(a + i + 3 * TOps.Count), TOps.Load(b + i + 3 * TOps.Count), s3);
        }
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            s0 = TOps.MultiplyAdd(TOps.Load(a + i), TOps.Load(b + i), s0);
        }
        var sum = TOps.Sum(TOps.Add(TOps.Add(s0, s1), TOps.Add(s2, s3)));
        for (; i < n; i++)
        {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /// <summary>y[i] += factor * x[i].</summary>
    public static void AddScaled(float* y, float* x, float factor, int n)
    {
        var f = TOps.Broadcast(factor);
        var i = 0;
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            TOps.Store(TOps.MultiplyAdd(f, TOps.Load(x + i), TOps.Load(y + i)), y + i);
        }
        for (; i < n; i++)
        {
            y[i] += factor * x[i];
        }
    }

    /// <summary>y[i] = factor * x[i].</summary>
    public static void Scale(float* y, float* x, float factor, int n)
    {
        var f = TOps.Broadcast(factor);
        var i = 0;
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            TOps.Store(TOps.Multiply(f, TOps.Load(x + i)), y + i);
        }
        for (; i < n; i++)
        {
            y[i] = factor * x[i];
        }
    }

    /// <summary>The largest of n numbers, minus infinity of none; NaN is passed over.</summary>
    public static float Largest(float* x, int n)
    {
        var m = TOps.Broadcast(float.NegativeInfinity);
        var i = 0;
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            m = TOps.Max(TOps.Load(x + i), m);
        }
        var max = TOps.Largest(m);
        for (; i < n; i++)
        {
            max = x[i] > max ? x[i] : max;
        }
        return max;
    }

    /// <summary>x[i] = e^(x[i] - max); the sum of the results.</summary>
    public static float ExpAndSum(float* x, float max, int n)
    {
        var shift = TOps.Broadcast(max);
        var sums = TOps.Zero;
        var i = 0;
        for (; i <= n - TOps.Count; i += TOps.Count)
        {
            var e = Exp(TOps.Subtract(TOps.Load(x + i), shift));
            TOps.Store(e, x + i);
            sums = TOps.Add(sums, e);
        }
        var sum = TOps.Sum(sums);
        for (; i < n; i++)
        {
            x[i] = Scalar.Exp(x[i] - max);
            sum += x[i];
        }
        return sum;
    }
}

/// <summary>The same functions of one number.</summary>
internal static class Scalar
{
    /// <inheritdoc cref="VectorMath{TOps, TV}.Exp"/>
    public static float Exp(float x) => VectorMath<PlainOps, float>.Exp(x);
}
