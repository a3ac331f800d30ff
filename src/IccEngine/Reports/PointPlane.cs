using IccEngine.Clustering;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>Where points are drawn.</summary>
/// <param name="X">[n].</param>
/// <param name="Y">[n].</param>
/// <param name="AxisX">What the first number is.</param>
/// <param name="AxisY">What the second number is.</param>
internal sealed record PointPlane(double[] X, double[] Y, string AxisX, string AxisY)
{
    /// <summary>So many points, or columns, tell the directions well enough.</summary>
    private const int Enough = 300;

    /// <summary>First two principal components; a single column is drawn against the number of the row.</summary>
    public static PointPlane Of(PointSet points)
    {
        var (n, d) = (points.Count, points.Features);
        if (n < 2 || d < 2)
        {
            return new PointPlane([.. Enumerable.Range(0, n).Select(i => points.Row(i)[0])], [.. Enumerable.Range(1, n).Select(i => (double)i)], "value", "row");
        }
        // Numbers near the largest of their type have no squares.
        var largest = points.Values.Max(Math.Abs);
        var scale = largest > 0 ? largest : 1;
        var x = Array.ConvertAll(points.Values, v => v / scale);
        var known = Math.Min(n, d) <= Enough ? new PointSet(x, n, d) : new PointSet(x, n, d).Select([.. Enumerable.Range(0, Enough).Select(i => (int)((long)i * n / Enough))]);
        var pca = Pca.Fit(known.Values, known.Count, d, 2);
        var scores = pca.Transform(x, n);
        string Name(int c) => $"principal component {c + 1} ({Html.Show(100 * pca.ExplainedVarianceRatio[c], "0")} %)";
        return new PointPlane(
            [.. Enumerable.Range(0, n).Select(i => scores[2 * i] * scale)], [.. Enumerable.Range(0, n).Select(i => scores[2 * i + 1] * scale)], Name(0), Name(1));
    }

    /// <summary>Of points that have no numbers: the spectral embedding of their affinity, whose first column says nothing.</summary>
    /// <param name="embedding">Of at least two columns.</param>
    public static PointPlane Of(SpectralEmbedding embedding)
    {
        var (n, k) = (embedding.N, embedding.NComponents);
        double[] Column(int c) => [.. Enumerable.Range(0, n).Select(i => embedding.Embedding[i * k + c])];
        return k < 3
            ? new PointPlane(Column(k - 1), [.. Enumerable.Range(1, n).Select(i => (double)i)], $"eigenvector {k}", "number")
            : new PointPlane(Column(1), Column(2), "second eigenvector", "third eigenvector");
    }
}
