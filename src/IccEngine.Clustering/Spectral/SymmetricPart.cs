using System.Numerics;

namespace IccEngine.Clustering;

/// <summary>
/// The mean of a square matrix and its mirror image, without the diagonal, some rows at a time; on the way it is seen whether the matrix was
/// symmetric and whether a mean is negative.
/// </summary>
internal sealed class SymmetricPart(int n)
{
    /// <summary>Side of the squares in which the matrix is walked through, so that a square and its mirror image are in the cache together.</summary>
    private const int Side = 32;

    private readonly double[] _mirrored = new double[Side * Side];

    /// <summary>Whether all entries seen are those of a symmetric matrix (numpy's allclose with its transpose, absolute tolerance 1e-10).</summary>
    public bool IsSymmetric { get; private set; } = true;

    /// <summary>Whether a mean outside the diagonal is negative.</summary>
    public bool HasNegative { get; private set; }

    /// <summary>Writes rows <paramref name="first"/> .. <paramref name="first"/> + <paramref name="count"/> - 1 of the mean.</summary>
    /// <param name="matrix">[n, n] row-major, finite.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="means">[count, n]</param>
    public void Rows(ReadOnlySpan<double> matrix, int first, int count, Span<double> means)
    {
        for (var top = first; top < first + count; top += Side)
        {
            var height = Math.Min(Side, first + count - top);
            for (var left = 0; left < n; left += Side)
            {
                var width = Math.Min(Side, n - left);
                Mirror(matrix, top, height, left, width);
                for (var i = top; i < top + height; i++)
                {
                    var row = matrix.Slice(i * n + left, width);
                    var mirrored = _mirrored.AsSpan((i - top) * Side, width);
                    var target = means.Slice((i - first) * n + left, width);
                    var diagonal = Math.Clamp(i - left, -1, width);
                    Mean(row[..Math.Max(diagonal, 0)], mirrored, target);
                    if (diagonal < width)
                    {
                        Mean(row[(diagonal + 1)..], mirrored[(diagonal + 1)..], target[(diagonal + 1)..]);
                    }
                }
            }
        }
        for (var i = first; i < first + count; i++)
        {
            means[(i - first) * n + i] = 0;
        }
    }

    /// <summary>The mirror image of a square.</summary>
    private void Mirror(ReadOnlySpan<double> matrix, int top, int height, int left, int width)
    {
        for (var j = 0; j < width; j++)
        {
            var column = matrix.Slice((left + j) * n + top, height);
            for (var i = 0; i < column.Length; i++)
            {
                _mirrored[i * Side + j] = column[i];
            }
        }
    }

    private void Mean(ReadOnlySpan<double> row, ReadOnlySpan<double> mirrored, Span<double> means)
    {
        var j = 0;
        var (unlike, least) = (Vector<double>.Zero, Vector<double>.Zero);
        for (; j <= row.Length - Vector<double>.Count; j += Vector<double>.Count)
        {
            var (a, b) = (new Vector<double>(row[j..]), new Vector<double>(mirrored[j..]));
            unlike = Vector.Max(unlike, Vector.Abs(a - b) - Vector.Abs(b) * 1e-5);
            // Halved first: the sum of two large numbers need not be a number.
            var mean = a * 0.5 + b * 0.5;
            least = Vector.Min(least, mean);
            mean.CopyTo(means[j..]);
        }
        for (; j < row.Length; j++)
        {
            var (a, b) = (row[j], mirrored[j]);
            IsSymmetric &= Math.Abs(a - b) <= 1e-10 + 1e-5 * Math.Abs(b);
            means[j] = a * 0.5 + b * 0.5;
            HasNegative |= means[j] < 0;
        }
        IsSymmetric &= Vector.LessThanOrEqualAll(unlike, new Vector<double>(1e-10));
        HasNegative |= Vector.LessThanAny(least, Vector<double>.Zero);
    }
}
