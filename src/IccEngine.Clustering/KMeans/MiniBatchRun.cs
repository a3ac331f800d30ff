using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Centres [k, d] moved by batches of points, with the number of points that each has seen.</summary>
internal sealed class MiniBatchRun : IDisposable
{
    private readonly KMeansProblem _problem;
    private readonly double[] _centers;
    private readonly double[] _seen;
    private readonly SeededRandom _random;
    private long _sinceReassignment;

    /// <summary>Starts at centres [k, d], which are moved in place.</summary>
    public MiniBatchRun(IBackend backend, double[] x, int n, int d, int k, double[] centers, SeededRandom random)
    {
        var weights = new double[n];
        Array.Fill(weights, 1);
        (_problem, _centers, _seen, _random) = (new KMeansProblem(backend, x, n, d, k, weights, sets: 1), centers, new double[k], random);
    }

    /// <summary>Moves the centres by points drawn with replacement; returns their inertia before the move.</summary>
    public double Step(int batch, double reassignmentRatio)
    {
        var (d, k) = (_problem.D, _problem.K);
        var drawn = new int[batch];
        var (sums, count, inertia) = (new double[k * d], new double[k], 0.0);
        for (var b = 0; b < batch; b++)
        {
            drawn[b] = _random.Next(_problem.N);
            var (center, squared) = NearestCenters.Of(_problem.Point(drawn[b]), _centers);
            inertia += squared;
            count[center]++;
            Vectors.AddScaled(_problem.Point(drawn[b]), 1, sums.AsSpan(center * d, d));
        }
        for (var c = 0; c < k; c++)
        {
            if (count[c] == 0)
            {
                continue;
            }
            _seen[c] += count[c];
            for (var j = 0; j < d; j++)
            {
                _centers[c * d + j] += (sums[c * d + j] - count[c] * _centers[c * d + j]) / _seen[c];
            }
        }
        Reassign(drawn, reassignmentRatio);
        return inertia;
    }

    /// <summary>Labels, inertia, and what should be known about them.</summary>
    public KMeansResult Result(int steps)
    {
        var (labels, squared) = (new int[_problem.N], new double[_problem.N]);
        _problem.Nearest(_centers, labels, squared);
        var distinct = labels.Distinct().Count();
        string[] warnings = distinct < _problem.K
            ? [$"found {distinct} distinct clusters, expected {_problem.K}; points may be duplicates of each other"]
            : [];
        return new KMeansResult(labels, _centers, squared.Sum(), steps, warnings) { NClusters = _problem.K };
    }

    /// <inheritdoc/>
    public void Dispose() => _problem.Dispose();

    /// <summary>Where a centre has seen nothing, or every 10 k points: centres of small count go to points of the batch, at most half of it.</summary>
    private void Reassign(int[] drawn, double ratio)
    {
        _sinceReassignment += drawn.Length;
        if (!_seen.Contains(0) && _sinceReassignment < 10L * _problem.K)
        {
            return;
        }
        _sinceReassignment = 0;
        var most = _seen.Max();
        var few = Enumerable.Range(0, _problem.K).Where(c => _seen[c] < ratio * most || _seen[c] == 0)
            .OrderBy(c => _seen[c]).Take(drawn.Length / 2).ToArray();
        if (few.Length == 0)
        {
            return;
        }
        var least = Enumerable.Range(0, _problem.K).Except(few).Select(c => _seen[c]).DefaultIfEmpty(1).Min();
        var places = _random.Sample(drawn.Length, few.Length);
        for (var f = 0; f < few.Length; f++)
        {
            _problem.Point(drawn[places[f]]).CopyTo(_centers.AsSpan(few[f] * _problem.D));
            // As many as the smallest that stays, so that it is not moved again at once.
            _seen[few[f]] = least;
        }
    }
}
