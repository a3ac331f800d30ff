using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>Episodes that belong together: one cell of a table.</summary>
/// <param name="Kind">What the points look like.</param>
/// <param name="NClusters">Number of clusters c.</param>
/// <param name="D">Number of columns d.</param>
/// <param name="N">Number of points n, at least the largest c.</param>
/// <param name="Df">Degrees of freedom, for <see cref="EpisodeKind.T"/> only.</param>
public sealed record EpisodeCell(EpisodeKind Kind, IntRange NClusters, IntRange D, IntRange N, double? Df)
{
    private const double RingGap = 3;
    private const double RingNoise = 0.3;
    private const double MoonRadius = 5;
    private const double MoonNoise = 0.4;

    /// <summary>Values beyond this are drawn again: a tail so heavy that it has no use.</summary>
    private const double LargestNoise = 1e100;

    /// <summary>The episode that follows from a seed; the same on every machine.</summary>
    public Episode Create(long seed)
    {
        var random = new SeededRandom(seed);
        var (c, d, n) = (NClusters.Draw(random), D.Draw(random), N.Draw(random));
        var sizes = Sizes(random, n, c);
        var shape = Kind is EpisodeKind.Rings or EpisodeKind.Moons;
        var centers = new double[(shape ? 1 : c) * d];
        for (var i = 0; i < centers.Length; i++)
        {
            centers[i] = 20 * random.NextDouble() - 10;
        }
        var (x, y) = (new double[n * d], new int[n]);
        var labels = Enumerable.Range(0, c).SelectMany(label => Enumerable.Repeat(label, sizes[label])).ToArray();
        var clusters = shape ? [] : Enumerable.Range(0, c).Select(_ => ClusterNoise.Draw(Kind, d, random)).ToArray();
        var plane = shape ? Plane(random, d) : [];
        var places = random.Permutation(n);
        for (var i = 0; i < n; i++)
        {
            var point = x.AsSpan(places[i] * d, d);
            y[places[i]] = labels[i];
            if (shape)
            {
                OnShape(random, labels[i], plane, centers, point);
            }
            else
            {
                AroundCenter(random, clusters[labels[i]], centers.AsSpan(labels[i] * d, d), point);
            }
            for (var j = 0; j < d; j++)
            {
                // Two decimals as the original rounds: half to even of the product.
                point[j] = Math.Round(100 * point[j], MidpointRounding.ToEven) / 100;
            }
        }
        return new Episode
        {
            NClusters = c,
            D = d,
            X = x,
            Y = y,
            Df = Df,
            Dist = Kind == EpisodeKind.T ? null : EpisodeSpec.NameOf(Kind),
            Seed = seed,
            Centers = shape ? null : centers,
        };
    }

    private int[] Sizes(SeededRandom random, int n, int c) => Kind switch
    {
        EpisodeKind.Imbalanced => ClusterSizes.InProportion(n, [.. Enumerable.Range(0, c).Select(i => Math.Pow(4, -i))]),
        // As many as the length of the ring asks for, so that all are equally dense.
        EpisodeKind.Rings => ClusterSizes.InProportion(n, [.. Enumerable.Range(0, c).Select(i => i + 1.0)]),
        EpisodeKind.Moons => ClusterSizes.InProportion(n, [.. Enumerable.Repeat(1.0, c)]),
        _ => ClusterSizes.Draw(random, n, c),
    };

    private void AroundCenter(SeededRandom random, ClusterNoise noise, ReadOnlySpan<double> center, Span<double> point)
    {
        for (var j = 0; j < point.Length; j++)
        {
            do
            {
                point[j] = Kind switch
                {
                    EpisodeKind.T => random.NextStudentT(Df!.Value),
                    EpisodeKind.LogNormal => Math.Exp(random.NextNormal()),
                    _ => random.NextNormal(),
                };
            }
            while (!(Math.Abs(point[j]) <= LargestNoise));
        }
        noise.Apply(point);
        TensorPrimitives.Add(point, center, point);
    }

    private void OnShape(SeededRandom random, int label, double[] plane, ReadOnlySpan<double> center, Span<double> point)
    {
        var d = point.Length;
        var (angle, noise) = (random.NextDouble() * Math.PI, Kind == EpisodeKind.Rings ? RingNoise : MoonNoise);
        var (a, b) = Kind == EpisodeKind.Rings
            ? (RingGap * (label + 1) * Math.Cos(2 * angle), RingGap * (label + 1) * Math.Sin(2 * angle))
            : (MoonRadius * (label + Math.Cos(angle)), MoonRadius * (label % 2 == 0 ? Math.Sin(angle) : 0.5 - Math.Sin(angle)));
        for (var j = 0; j < d; j++)
        {
            point[j] = center[j] + a * plane[j] + b * plane[d + j] + noise * random.NextNormal();
        }
    }

    /// <summary>[2, d]: two random unit vectors at a right angle.</summary>
    private static double[] Plane(SeededRandom random, int d)
    {
        var plane = new double[2 * d];
        for (var i = 0; i < plane.Length; i++)
        {
            plane[i] = random.NextNormal();
        }
        var u = plane.AsSpan(0, d);
        var v = plane.AsSpan(d);
        TensorPrimitives.Divide(u, TensorPrimitives.Norm<double>(u), u);
        Vectors.AddScaled(u, -TensorPrimitives.Dot<double>(u, v), v);
        TensorPrimitives.Divide(v, TensorPrimitives.Norm<double>(v), v);
        return plane;
    }
}
