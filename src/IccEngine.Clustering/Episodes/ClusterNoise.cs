using System.Numerics.Tensors;

namespace IccEngine.Clustering;

/// <summary>What one cluster does to standard noise [d]: a scale, and a stretch along a direction; neither for most kinds.</summary>
internal readonly record struct ClusterNoise(double Scale, double Stretch, double[]? Direction)
{
    /// <summary>Draws what the kind leaves open.</summary>
    public static ClusterNoise Draw(EpisodeKind kind, int d, SeededRandom random)
    {
        switch (kind)
        {
            case EpisodeKind.Density:
                // Evenly over the logarithms of 0.2 to 5.
                return new ClusterNoise(0.2 * Math.Pow(25, random.NextDouble()), 1, null);
            case EpisodeKind.Anisotropic:
                var direction = new double[d];
                for (var j = 0; j < d; j++)
                {
                    direction[j] = random.NextNormal();
                }
                TensorPrimitives.Divide(direction, TensorPrimitives.Norm<double>(direction), direction);
                return new ClusterNoise(0.7, 3 + 5 * random.NextDouble(), direction);
            default:
                return new ClusterNoise(1, 1, null);
        }
    }

    /// <summary>Changes noise in place.</summary>
    public void Apply(Span<double> noise)
    {
        if (Direction is not null)
        {
            Vectors.AddScaled(Direction, (Stretch - 1) * TensorPrimitives.Dot<double>(Direction, noise), noise);
        }
        if (Scale != 1)
        {
            TensorPrimitives.Multiply(noise, Scale, noise);
        }
    }
}
