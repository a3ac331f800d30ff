using IccEngine.Core;

namespace IccEngine.Clustering;

public static partial class Metrics
{
    /// <summary>numpy's allclose to zero, by which scikit-learn calls a Davies-Bouldin distance zero.</summary>
    private const double CloseToZero = 1e-8;

    private const int SilhouettePoints = 1000;

    /// <summary>The mean of <see cref="SilhouetteSamples"/>.</summary>
    /// <param name="x">Points [n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="labels">[n], of 2 to n - 1 different values.</param>
    /// <exception cref="IccArgumentException">A length, an entry or the number of clusters is outside its limits.</exception>
    public static double Silhouette(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels) =>
        SilhouetteSamples(x, n, d, labels).Average();

    /// <summary><see cref="Silhouette"/> of at most 1000 evenly chosen points, whatever their number; 0 where it is not defined.</summary>
    /// <param name="x">Points [n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="labels">[n].</param>
    /// <exception cref="IccArgumentException">A length or an entry is outside its limits.</exception>
    public static double SampledSilhouette(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels)
    {
        Check.Points(x, n, d);
        Check.Length(labels.Length, n, "labels");
        var step = (n + SilhouettePoints - 1) / SilhouettePoints;
        var (points, own) = (new List<double>(), new List<int>());
        for (var i = 0; i < n; i += step)
        {
            points.AddRange(x.Slice(i * d, d));
            own.Add(labels[i]);
        }
        var distinct = own.Distinct().Count();
        return distinct < 2 || distinct >= own.Count ? 0 : Silhouette(points.ToArray(), own.Count, d, own.ToArray());
    }

    /// <summary>
    /// (b - a) / max(a, b) of every point (Rousseeuw 1987): a its mean Euclidean distance to the others of its cluster, b the least mean
    /// distance to another cluster; 0 for the only point of a cluster.
    /// </summary>
    /// <param name="x">Points [n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="labels">[n], of 2 to n - 1 different values.</param>
    /// <returns>[n], each in -1 to 1.</returns>
    /// <exception cref="IccArgumentException">A length, an entry or the number of clusters is outside its limits.</exception>
    public static double[] SilhouetteSamples(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels)
    {
        var (ranks, sizes) = Clusters(x, n, d, labels);
        var (samples, total) = (new double[n], new double[sizes.Length]);
        for (var i = 0; i < n; i++)
        {
            if (sizes[ranks[i]] == 1)
            {
                continue;
            }
            Array.Clear(total);
            for (var j = 0; j < n; j++)
            {
                total[ranks[j]] += Math.Sqrt(Vectors.SquaredDistance(x.Slice(i * d, d), x.Slice(j * d, d)));
            }
            var a = total[ranks[i]] / (sizes[ranks[i]] - 1);
            var b = double.PositiveInfinity;
            for (var c = 0; c < sizes.Length; c++)
            {
                b = c == ranks[i] ? b : Math.Min(b, total[c] / sizes[c]);
            }
            var larger = Math.Max(a, b);
            samples[i] = larger == 0 ? 0 : (b - a) / larger;
        }
        return samples;
    }

    /// <summary>
    /// Scatter between the clusters over scatter within them, each over its degrees of freedom (Calinski and Harabasz 1974); 1 where there
    /// is none within.
    /// </summary>
    /// <param name="x">Points [n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="labels">[n], of 2 to n - 1 different values.</param>
    /// <exception cref="IccArgumentException">A length, an entry or the number of clusters is outside its limits.</exception>
    public static double CalinskiHarabasz(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels)
    {
        var (ranks, sizes) = Clusters(x, n, d, labels);
        var k = sizes.Length;
        var centroids = Centroids(x, d, ranks, sizes);
        var mean = Centroids(x, d, new int[n], [n]);
        var (within, between) = (0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            within += Vectors.SquaredDistance(x.Slice(i * d, d), centroids.AsSpan(ranks[i] * d, d));
        }
        for (var c = 0; c < k; c++)
        {
            between += sizes[c] * Vectors.SquaredDistance(centroids.AsSpan(c * d, d), mean);
        }
        return within == 0 ? 1 : between * (n - k) / (within * (k - 1));
    }

    /// <summary>
    /// The mean over the clusters of the worst ratio of two clusters' radii (mean distances to the centroid) to the distance of their
    /// centroids (Davies and Bouldin 1979); 0 is best.
    /// </summary>
    /// <param name="x">Points [n, d] row-major, finite.</param>
    /// <param name="n">Number of points.</param>
    /// <param name="d">Number of columns.</param>
    /// <param name="labels">[n], of 2 to n - 1 different values.</param>
    /// <exception cref="IccArgumentException">A length, an entry or the number of clusters is outside its limits.</exception>
    public static double DaviesBouldin(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels)
    {
        var (ranks, sizes) = Clusters(x, n, d, labels);
        var k = sizes.Length;
        var centroids = Centroids(x, d, ranks, sizes);
        var radius = new double[k];
        for (var i = 0; i < n; i++)
        {
            radius[ranks[i]] += Math.Sqrt(Vectors.SquaredDistance(x.Slice(i * d, d), centroids.AsSpan(ranks[i] * d, d))) / sizes[ranks[i]];
        }
        var (sum, apart) = (0.0, 0.0);
        for (var a = 0; a < k; a++)
        {
            var worst = 0.0;
            for (var b = 0; b < k; b++)
            {
                var distance = Math.Sqrt(Vectors.SquaredDistance(centroids.AsSpan(a * d, d), centroids.AsSpan(b * d, d)));
                apart = Math.Max(apart, distance);
                // Clusters with one centroid are not compared, as in scikit-learn.
                worst = distance == 0 ? worst : Math.Max(worst, (radius[a] + radius[b]) / distance);
            }
            sum += worst;
        }
        return apart <= CloseToZero || radius.Max() <= CloseToZero ? 0 : sum / k;
    }

    private static (int[] Ranks, int[] Sizes) Clusters(ReadOnlySpan<double> x, int n, int d, ReadOnlySpan<int> labels)
    {
        Check.Points(x, n, d);
        Check.Length(labels.Length, n, "labels");
        var ranks = ContingencyTable.Rank(labels, out var k);
        if (k < 2 || k > n - 1)
        {
            throw new IccArgumentException($"labels: found {k} clusters of {n} points, expected between 2 and {n - 1}");
        }
        var sizes = new int[k];
        foreach (var rank in ranks)
        {
            sizes[rank]++;
        }
        return (ranks, sizes);
    }

    /// <summary>[k, d]: summed in the order of the points and divided once, as numpy's mean does.</summary>
    private static double[] Centroids(ReadOnlySpan<double> x, int d, int[] ranks, int[] sizes)
    {
        var centroids = new double[sizes.Length * d];
        for (var i = 0; i < ranks.Length; i++)
        {
            for (var j = 0; j < d; j++)
            {
                centroids[ranks[i] * d + j] += x[i * d + j];
            }
        }
        for (var c = 0; c < centroids.Length; c++)
        {
            centroids[c] /= sizes[c / d];
        }
        return centroids;
    }
}
