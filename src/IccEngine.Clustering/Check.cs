using System.Globalization;
using System.Numerics;
using System.Numerics.Tensors;
using IccEngine.Core;
using Tensor = IccEngine.Core.Tensor;

namespace IccEngine.Clustering;

/// <summary>The checks of arguments that every estimator shares; each failure names what was found and what was expected.</summary>
internal static class Check
{
    /// <summary>
    /// Squares and their sums must stay finite, so coordinates end here. No data comes near it; a file of bit garbage does.
    /// </summary>
    private const double LargestCoordinate = 1e140;

    /// <summary>Points <paramref name="x"/> [n, d], row-major, all finite.</summary>
    public static void Points(ReadOnlySpan<double> x, int n, int d, int least = 1)
    {
        if (n < least)
        {
            throw new IccArgumentException($"found {n} points, expected at least {least}");
        }
        if (d < 1)
        {
            throw new IccArgumentException($"found {d} columns, expected at least 1");
        }
        if (x.Length != (long)n * d)
        {
            throw new IccArgumentException($"found {x.Length} values, expected {n} points x {d} columns = {(long)n * d}");
        }
        for (var i = 0; i < x.Length; i++)
        {
            if (!(Math.Abs(x[i]) <= LargestCoordinate))
            {
                throw new IccArgumentException(
                    $"point {i / d}, column {i % d}: found {Text(x[i])}, expected a finite number of magnitude 1e140 or less");
            }
        }
    }

    /// <summary>A square matrix [n, n], row-major, all finite.</summary>
    public static void Square<T>(ReadOnlySpan<T> a, int n, string name, int least = 1) where T : IFloatingPointIeee754<T>
    {
        SquareLength(a.Length, n, name, least);
        if (a.IsEmpty || T.IsFinite(TensorPrimitives.MaxMagnitude(a)))
        {
            return;
        }
        for (var i = 0; i < a.Length; i++)
        {
            if (!T.IsFinite(a[i]))
            {
                throw new IccArgumentException($"{name}, row {i / n}, column {i % n}: found {Text(a[i])}, expected a finite number");
            }
        }
    }

    /// <summary>The order of a square matrix [n, n] of a backend.</summary>
    public static int SquareShape(Tensor a, string name, int least = 1) =>
        a.Shape.Rank == 2 && a.Shape[0] == a.Shape[1] && a.Shape[0] >= least
            ? a.Shape[0]
            : throw new IccArgumentException($"{name}: found {a.Shape}, expected a square matrix of at least {least} points");

    /// <summary>The length of a square matrix [n, n].</summary>
    public static void SquareLength(int length, int n, string name, int least = 1)
    {
        if (n < least)
        {
            throw new IccArgumentException($"{name}: found {n} points, expected at least {least}");
        }
        if (length != (long)n * n)
        {
            throw new IccArgumentException($"{name}: found {length} values, expected {n} x {n} = {(long)n * n}");
        }
    }

    /// <summary>A number of clusters or components between 1 and <paramref name="most"/>.</summary>
    public static void Count(int found, int most, string name)
    {
        if (found < 1 || found > most)
        {
            throw new IccArgumentException($"{name}: found {found}, expected between 1 and {most}");
        }
    }

    /// <summary>An option that must be at least <paramref name="least"/>.</summary>
    public static void AtLeast(int found, int least, string name)
    {
        if (found < least)
        {
            throw new IccArgumentException($"{name}: found {found}, expected at least {least}");
        }
    }

    /// <summary>A destination or companion of a fixed length.</summary>
    public static void Length(int found, int expected, string name)
    {
        if (found != expected)
        {
            throw new IccArgumentException($"{name}: found {found} values, expected {expected}");
        }
    }

    /// <summary>A number as messages show it.</summary>
    public static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
