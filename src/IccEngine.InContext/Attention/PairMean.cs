namespace IccEngine.InContext;

/// <summary>Mean over prompts of what is known of each pair of points; a pair that never met has 0.</summary>
internal sealed class PairMean(int points)
{
    private readonly double[] _sums = new double[points * (long)points];
    private readonly ushort[] _meetings = new ushort[points * (long)points];

    /// <summary>Adds the affinity [s, s] of s points, given by their numbers.</summary>
    public void Add(ReadOnlySpan<int> order, ReadOnlySpan<double> affinity)
    {
        for (var i = 0; i < order.Length; i++)
        {
            for (var j = 0; j < order.Length; j++)
            {
                var at = (long)order[i] * points + order[j];
                _sums[at] += affinity[i * order.Length + j];
                _meetings[at]++;
            }
        }
    }

    /// <summary>[n, n]; the sums become the means.</summary>
    public double[] ToMatrix()
    {
        for (long i = 0; i < _sums.LongLength; i++)
        {
            _sums[i] = i % (points + 1) == 0 || _meetings[i] == 0 ? 0 : _sums[i] / _meetings[i];
        }
        return _sums;
    }
}
