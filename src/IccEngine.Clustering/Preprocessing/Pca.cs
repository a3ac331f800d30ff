using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>
/// Principal components with scikit-learn's conventions: columns are centred but not scaled, variances divide by n - 1, and the sign of
/// every component makes its entry of largest magnitude positive.
/// </summary>
public sealed class Pca
{
    private readonly int _d;

    private Pca(int d, int k, double[] mean, double[] components, double[] singularValues, int n)
    {
        (_d, NComponents, Mean) = (d, k, mean);
        Components = components[..(k * d)];
        SingularValues = singularValues[..k];
        var variances = Array.ConvertAll(singularValues, s => s * s / (n - 1));
        var total = variances.Sum();
        ExplainedVariance = variances[..k];
        // Where all points coincide there is no variance to explain.
        ExplainedVarianceRatio = Array.ConvertAll(ExplainedVariance, v => total == 0 ? 0 : v / total);
    }

    /// <summary>Number of components k.</summary>
    public int NComponents { get; }

    /// <summary>[d]: means of the columns.</summary>
    public double[] Mean { get; }

    /// <summary>[k, d] row-major: orthonormal directions, the one of largest variance first.</summary>
    public double[] Components { get; }

    /// <summary>[k]: singular values of the centred points, descending.</summary>
    public double[] SingularValues { get; }

    /// <summary>[k]: variance along each component.</summary>
    public double[] ExplainedVariance { get; }

    /// <summary>[k]: its part of the variance of all columns.</summary>
    public double[] ExplainedVarianceRatio { get; }

    /// <summary>Learns the components.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points, at least 2.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="nComponents">Components wanted, 1 to min(n, d); null for all of them.</param>
    /// <exception cref="Core.IccArgumentException">A length, a number or an entry is outside its limits.</exception>
    public static Pca Fit(ReadOnlySpan<double> x, int n, int d, int? nComponents = null)
    {
        Check.Points(x, n, d, least: 2);
        var m = Math.Min(n, d);
        var k = nComponents ?? m;
        Check.Count(k, m, "nComponents");
        var mean = new double[d];
        for (var i = 0; i < x.Length; i++)
        {
            mean[i % d] += x[i] / n;
        }
        // The shorter side becomes the rows: points, or columns.
        var byPoints = n <= d;
        var rows = Enumerable.Range(0, m).Select(_ => new double[Math.Max(n, d)]).ToArray();
        for (var i = 0; i < x.Length; i++)
        {
            var (point, column) = (i / d, i % d);
            rows[byPoints ? point : column][byPoints ? column : point] = x[i] - mean[column];
        }
        var (left, scaled, singular) = ThinSvd.Compute(rows);
        var components = byPoints ? Normalise(scaled, singular) : left;
        foreach (var component in components)
        {
            if (component[Vectors.LargestMagnitude(component)] < 0)
            {
                TensorPrimitives.Negate(component, component);
            }
        }
        return new Pca(d, k, mean, [.. components.Take(k).SelectMany(c => c)], singular, n);
    }

    /// <summary>Coordinates [n, k] of points along the components.</summary>
    /// <param name="x">[n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public double[] Transform(ReadOnlySpan<double> x, int n)
    {
        Check.Points(x, n, _d);
        var (scores, centred) = (new double[n * NComponents], new double[_d]);
        for (var i = 0; i < n; i++)
        {
            TensorPrimitives.Subtract(x.Slice(i * _d, _d), Mean, centred);
            for (var c = 0; c < NComponents; c++)
            {
                scores[i * NComponents + c] = TensorPrimitives.Dot<double>(centred, Components.AsSpan(c * _d, _d));
            }
        }
        return scores;
    }

    /// <summary>The points [n, d] that have these coordinates and nothing outside the components.</summary>
    /// <param name="scores">[n, k] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <exception cref="Core.IccArgumentException">A length or an entry is outside its limits.</exception>
    public double[] InverseTransform(ReadOnlySpan<double> scores, int n)
    {
        Check.Points(scores, n, NComponents);
        var x = new double[n * _d];
        for (var i = 0; i < n; i++)
        {
            var point = x.AsSpan(i * _d, _d);
            Mean.CopyTo(point);
            for (var c = 0; c < NComponents; c++)
            {
                Vectors.AddScaled(Components.AsSpan(c * _d, _d), scores[i * NComponents + c], point);
            }
        }
        return x;
    }

    /// <summary>
    /// Rows of length singular[i] to unit rows. n centred points span n - 1 dimensions at most, so the last rows are often rounding: in
    /// their place come unit vectors orthogonal to all before them.
    /// </summary>
    private static double[][] Normalise(double[][] rows, double[] singular)
    {
        var d = rows[0].Length;
        var nothing = singular[0] * d * 2.220446049250313e-16;
        for (var i = 0; i < rows.Length; i++)
        {
            if (singular[i] <= nothing)
            {
                var covered = new double[d];
                foreach (var row in rows.Take(i))
                {
                    TensorPrimitives.MultiplyAdd(row, row, covered, covered);
                }
                Array.Clear(rows[i]);
                rows[i][TensorPrimitives.IndexOfMin<double>(covered)] = 1;
                Vectors.Orthogonalise(rows[i], rows, i);
                Vectors.Orthogonalise(rows[i], rows, i);
            }
            TensorPrimitives.Divide(rows[i], TensorPrimitives.Norm<double>(rows[i]), rows[i]);
        }
        return rows;
    }
}
