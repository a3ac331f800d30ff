using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>Singular values of a wide matrix B [m, length], m at most length, to high relative accuracy.</summary>
internal static class ThinSvd
{
    private const double Epsilon = 2.220446049250313e-16;
    private const int MaxSweeps = 40;

    /// <summary>
    /// The eigenvectors of B B' make the rows nearly orthogonal, at the speed of a small eigenproblem but with the squared condition;
    /// one-sided Jacobi rotations (Hestenes 1958) on the rows themselves then give the small values their digits back.
    /// </summary>
    /// <param name="rows">B; its arrays are read only.</param>
    /// <returns>
    /// Left [m][m] and Scaled [m][length] with Left B = Scaled: row i of Left is the i-th left singular vector, row i of Scaled the i-th
    /// right one times the singular value; Values [m] descending.
    /// </returns>
    public static (double[][] Left, double[][] Scaled, double[] Values) Compute(double[][] rows)
    {
        var m = rows.Length;
        var gram = new double[m * m];
        for (var i = 0; i < m; i++)
        {
            for (var j = i; j < m; j++)
            {
                gram[i * m + j] = gram[j * m + i] = TensorPrimitives.Dot<double>(rows[i], rows[j]);
            }
        }
        var eigen = SymmetricEigen.Dense(gram, m);
        var left = eigen.Vectors.Chunk(m).Reverse().ToArray();
        var scaled = new double[m][];
        for (var i = 0; i < m; i++)
        {
            scaled[i] = new double[rows[0].Length];
            for (var j = 0; j < m; j++)
            {
                Vectors.AddScaled(rows[j], left[i][j], scaled[i]);
            }
        }
        Orthogonalise(left, scaled);
        var values = Array.ConvertAll(scaled, r => TensorPrimitives.Norm<double>(r));
        var order = Enumerable.Range(0, m).OrderByDescending(i => values[i]).ToArray();
        return (Array.ConvertAll(order, i => left[i]), Array.ConvertAll(order, i => scaled[i]), Array.ConvertAll(order, i => values[i]));
    }

    private static void Orthogonalise(double[][] left, double[][] scaled)
    {
        var squares = Array.ConvertAll(scaled, r => TensorPrimitives.SumOfSquares<double>(r));
        // Rows below the rounding of the longest one are noise; turning them about has no end and no use.
        var noise = squares.Max() * Epsilon * Epsilon;
        for (var (sweep, rotated) = (0, true); sweep < MaxSweeps && rotated; sweep++)
        {
            rotated = false;
            for (var p = 0; p < scaled.Length; p++)
            {
                for (var q = p + 1; q < scaled.Length; q++)
                {
                    var product = TensorPrimitives.Dot<double>(scaled[p], scaled[q]);
                    if (Math.Min(squares[p], squares[q]) <= noise
                        || Math.Abs(product) <= scaled[p].Length * Epsilon * Math.Sqrt(squares[p]) * Math.Sqrt(squares[q]))
                    {
                        continue;
                    }
                    rotated = true;
                    var zeta = (squares[q] - squares[p]) / (2 * product);
                    var t = Math.CopySign(1, zeta) / (Math.Abs(zeta) + double.Hypot(1, zeta));
                    var c = 1 / double.Hypot(1, t);
                    Vectors.Rotate(scaled[p], scaled[q], c, c * t);
                    Vectors.Rotate(left[p], left[q], c, c * t);
                    squares[p] = TensorPrimitives.SumOfSquares<double>(scaled[p]);
                    squares[q] = TensorPrimitives.SumOfSquares<double>(scaled[q]);
                }
            }
        }
    }
}
