namespace IccEngine.Clustering;

/// <summary>One descent of FasterPAM (Schubert and Rousseeuw 2021, algorithm 3), from given medoids.</summary>
internal sealed class FasterPam
{
    /// <summary>A gain below this part of the loss is rounding; without a bound such exchanges could go in circles.</summary>
    private const double LeastGain = 1e-12;

    private readonly CondensedDistances _between;
    private readonly int[] _medoids;
    private readonly bool[] _isMedoid;
    private readonly int[] _nearest;
    private readonly double[] _toNearest;
    private readonly double[] _toSecond;

    /// <summary>Starts from k different points; the array is used up.</summary>
    public FasterPam(CondensedDistances between, int[] medoids)
    {
        var n = between.N;
        (_between, _medoids, _isMedoid) = (between, medoids, new bool[n]);
        (_nearest, _toNearest, _toSecond) = (new int[n], new double[n], new double[n]);
        Array.ForEach(medoids, m => _isMedoid[m] = true);
    }

    /// <summary>PAM's BUILD: the point with the least sum, then always the point that lowers the loss most.</summary>
    public static int[] Build(CondensedDistances between, int k)
    {
        var (n, chosen) = (between.N, new List<int>(k));
        var closest = new double[n];
        for (var m = 0; m < k; m++)
        {
            var (best, most) = (-1, double.NegativeInfinity);
            for (var candidate = 0; candidate < n; candidate++)
            {
                var gain = 0.0;
                for (var i = 0; i < n; i++)
                {
                    var distance = between.Between(i, candidate);
                    gain += m == 0 ? -distance : Math.Max(0, closest[i] - distance);
                }
                if (gain > most && !chosen.Contains(candidate))
                {
                    (best, most) = (candidate, gain);
                }
            }
            chosen.Add(best);
            for (var i = 0; i < n; i++)
            {
                var distance = between.Between(i, best);
                closest[i] = m == 0 ? distance : Math.Min(closest[i], distance);
            }
        }
        return [.. chosen];
    }

    /// <summary>Exchanges until a whole walk over the points finds none, or <paramref name="maxIter"/> walks are done.</summary>
    /// <param name="maxIter">Most walks.</param>
    /// <param name="order">[n]: the order of a walk; null for that of the points.</param>
    public KMedoidsResult Run(int maxIter, int[]? order = null)
    {
        if (_medoids.Length == 1)
        {
            // There is no second medoid to fall back to; the best single one is found by looking at all.
            _medoids[0] = Build(_between, 1)[0];
            Assign();
            return Result(1);
        }
        Assign();
        var (walks, loss) = (0, Loss());
        var (removal, change) = (new double[_medoids.Length], new double[_medoids.Length]);
        Removal(removal);
        for (var (sinceSwap, place) = (0, 0); sinceSwap < _between.N && walks < maxIter;)
        {
            walks += place == 0 ? 1 : 0;
            sinceSwap++;
            var candidate = order?[place] ?? place;
            if (!_isMedoid[candidate] && BestExchange(candidate, removal, change) is var (medoid, gain) && gain > LeastGain * loss)
            {
                _isMedoid[_medoids[medoid]] = false;
                _medoids[medoid] = candidate;
                _isMedoid[candidate] = true;
                Assign();
                Removal(removal);
                (sinceSwap, loss) = (0, Loss());
            }
            place = place + 1 == _between.N ? 0 : place + 1;
        }
        return Result(walks);
    }

    /// <summary>The medoid whose exchange with the candidate gains most, and the gain: all k of them in one walk over the points.</summary>
    private (int Place, double Gain) BestExchange(int candidate, double[] removal, double[] change)
    {
        removal.CopyTo(change, 0);
        var shared = 0.0;
        for (var i = 0; i < _between.N; i++)
        {
            var distance = _between.Between(i, candidate);
            if (distance < _toNearest[i])
            {
                shared += distance - _toNearest[i];
                change[_nearest[i]] += _toNearest[i] - _toSecond[i];
            }
            else if (distance < _toSecond[i])
            {
                change[_nearest[i]] += distance - _toSecond[i];
            }
        }
        var place = 0;
        for (var m = 1; m < change.Length; m++)
        {
            place = change[m] < change[place] ? m : place;
        }
        return (place, -(change[place] + shared));
    }

    /// <summary>What the loss grows by when a medoid is taken away.</summary>
    private void Removal(double[] removal)
    {
        Array.Clear(removal);
        for (var i = 0; i < _between.N; i++)
        {
            removal[_nearest[i]] += _toSecond[i] - _toNearest[i];
        }
    }

    /// <summary>The nearest medoid of each point, and how far the two nearest are.</summary>
    private void Assign()
    {
        for (var i = 0; i < _between.N; i++)
        {
            var (near, next) = (double.PositiveInfinity, double.PositiveInfinity);
            for (var m = 0; m < _medoids.Length; m++)
            {
                var distance = _between.Between(i, _medoids[m]);
                if (distance < near)
                {
                    (_nearest[i], near, next) = (m, distance, near);
                }
                else
                {
                    next = Math.Min(next, distance);
                }
            }
            (_toNearest[i], _toSecond[i]) = (near, next);
        }
    }

    private double Loss() => _toNearest.Sum();

    private KMedoidsResult Result(int walks)
    {
        var order = Enumerable.Range(0, _medoids.Length).OrderBy(m => _medoids[m]).ToArray();
        var rank = new int[order.Length];
        for (var r = 0; r < order.Length; r++)
        {
            rank[order[r]] = r;
        }
        return new KMedoidsResult(Array.ConvertAll(_nearest, m => rank[m]), Array.ConvertAll(order, m => _medoids[m]), Loss(), walks, null);
    }
}
