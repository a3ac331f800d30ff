using System.Numerics;

namespace IccEngine.Cpu;

/// <summary>The nearest centre of some points.</summary>
internal readonly unsafe struct NearestCentreJob<T>(T* points, T* centres, int n, int k, int d, int* labels, double* squared, int rows) : IJob
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public void Run(int item)
    {
        for (var i = item * rows; i < Math.Min(n, (item + 1) * rows); i++)
        {
            var point = points + (long)i * d;
            var (nearest, least) = (0, double.PositiveInfinity);
            for (var c = 0; c < k; c++)
            {
                var centre = centres + (long)c * d;
                var sum = 0.0;
                for (var j = 0; j < d; j++)
                {
                    var difference = double.CreateTruncating(point[j]) - double.CreateTruncating(centre[j]);
                    sum += difference * difference;
                }
                (nearest, least) = sum < least ? (c, sum) : (nearest, least);
            }
            (labels[i], squared[i]) = (nearest, least);
        }
    }
}
