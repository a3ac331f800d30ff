using System.Numerics;

namespace IccEngine.Cpu;

/// <summary>
/// The nearest centres of some points: the items of a set, then those of the next one. A vector holds several points, so that each has
/// its sum in the order of the coordinates, whatever the width of vectors and wherever an item begins.
/// </summary>
/// <param name="points">[d, n]</param>
/// <param name="centres">[sets, k, d]</param>
/// <param name="n">Number of points.</param>
/// <param name="k">Centres of a set.</param>
/// <param name="d">Number of coordinates.</param>
/// <param name="labels">[sets, n]</param>
/// <param name="squared">[sets, n]</param>
/// <param name="count">Points of an item; items of a set end with its last point.</param>
internal readonly unsafe struct NearestCentreJob(double* points, double* centres, int n, int k, int d, int* labels, double* squared, int count) : IJob
{
    public int ItemsOfSet => (int)(((long)n + count - 1) / count);

    public void Run(int item)
    {
        var set = item / ItemsOfSet;
        var of = centres + (long)set * k * d;
        var offset = (long)set * n;
        var i = item % ItemsOfSet * count;
        var end = Math.Min(n, i + count);
        for (; i <= end - Vector<double>.Count; i += Vector<double>.Count)
        {
            var (best, least) = (Vector<long>.Zero, new Vector<double>(double.PositiveInfinity));
            var centre = of;
            for (var c = 0; c < k; c++, centre += d)
            {
                var sum = Vector<double>.Zero;
                var coordinates = points + i;
                for (var j = 0; j < d; j++, coordinates += n)
                {
                    var difference = Vector.Load(coordinates) - new Vector<double>(centre[j]);
                    sum += difference * difference;
                }
                var nearer = Vector.LessThan(sum, least);
                (best, least) = (Vector.ConditionalSelect(nearer, new Vector<long>(c), best), Vector.ConditionalSelect(nearer, sum, least));
            }
            least.Store(squared + offset + i);
            for (var lane = 0; lane < Vector<double>.Count; lane++)
            {
                labels[offset + i + lane] = (int)best[lane];
            }
        }
        for (; i < end; i++)
        {
            (labels[offset + i], squared[offset + i]) = Nearest(points + i, of);
        }
    }

    private (int Index, double Squared) Nearest(double* point, double* of)
    {
        var (best, least) = (0, double.PositiveInfinity);
        for (var c = 0; c < k; c++)
        {
            var sum = 0.0;
            for (var j = 0; j < d; j++)
            {
                var difference = point[(long)j * n] - of[(long)c * d + j];
                sum += difference * difference;
            }
            (best, least) = sum < least ? (c, sum) : (best, least);
        }
        return (best, least);
    }
}
