namespace IccEngine.InContext;

/// <summary>Means over episodes; of an episode in several orders its mean over these counts once.</summary>
/// <param name="Episodes">Episodes that the means are over.</param>
/// <param name="Accuracy">Accuracy by the best one-to-one matching, 0 to 1; null where no episode has one.</param>
/// <param name="StandardError">Of the accuracy: its deviation over the episodes by the root of their number; null for fewer than two.</param>
/// <param name="Ari">Adjusted Rand index, or null.</param>
/// <param name="Nmi">Normalised mutual information, or null.</param>
/// <param name="OrderDeviation">
/// Deviation of the accuracy over the orders of an episode's points (population), mean over the episodes; null where there is one order.
/// </param>
/// <param name="Unparsed">Answers that could not be read; a run in which none could counts in the means, as what is made of an empty answer.</param>
/// <param name="Failed">Runs in which the method gave no labels; they do not count in the means.</param>
/// <param name="Seconds">Time of all runs.</param>
/// <param name="Tokens">Tokens that went through a model in them.</param>
public sealed record Score(
    long Episodes, double? Accuracy, double? StandardError, double? Ari, double? Nmi, double? OrderDeviation, long Unparsed, long Failed,
    double Seconds, long Tokens)
{
    /// <summary>Share of the runs whose estimate of the number of clusters was right; null where methods are told.</summary>
    public double? RightClusters { get; init; }

    /// <summary>Tokens a second, or null where there are none.</summary>
    public double? TokensPerSecond => Tokens > 0 && Seconds > 0 ? Tokens / Seconds : null;
}

/// <summary>Scores of one cell.</summary>
/// <param name="Cell">The cell.</param>
/// <param name="Score">Its scores.</param>
public sealed record CellScore(EvaluationCell Cell, Score Score);

/// <summary>How much more accurate a method is than another one on the same episodes.</summary>
/// <param name="Episodes">Episodes on which both gave labels.</param>
/// <param name="Accuracy">Mean of the differences; null where there is no such episode.</param>
/// <param name="StandardError">Of that mean, from the differences; null for fewer than two.</param>
public sealed record PairedDifference(long Episodes, double? Accuracy, double? StandardError);

/// <summary>Scores of one method.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Cells">By cell, in the order in which the data have them.</param>
/// <param name="Overall">Over all episodes.</param>
/// <param name="Difference">From the first method of the run, episode by episode.</param>
/// <param name="Failure">Why the first run failed that did, or null.</param>
public sealed record MethodScores(
    string Method, IReadOnlyList<CellScore> Cells, Score Overall, PairedDifference Difference, string? Failure)
{
    /// <summary>How reliable its confidence is; null where it gives none.</summary>
    public Reliability? Reliability { get; init; }

    /// <summary>Where the confidence was to be calibrated, how; else null.</summary>
    public CalibrationScores? Calibration { get; init; }
}

/// <summary>A curve that was fitted to the results of a method.</summary>
/// <param name="Curve">The curve.</param>
/// <param name="Reliability">How reliable the confidence is with it, on the points that it was fitted to.</param>
public sealed record CalibrationScores(ConfidenceCurve Curve, Reliability Reliability);

/// <summary>Adds up the results of a method.</summary>
/// <param name="method">Its name.</param>
/// <param name="calibratedAnswers">Answers that its confidence comes of, where that is to be calibrated; else 0.</param>
internal sealed class ScoreBuilder(string method, int calibratedAnswers)
{
    private readonly Dictionary<EvaluationCell, Sums> _cells = [];
    private readonly List<EvaluationCell> _order = [];
    private readonly Sums _overall = new();
    private readonly List<EvaluationRecord> _episode = [];
    private readonly Dictionary<long, double> _accuracies = [];
    private readonly ReliabilitySums _reliability = new();
    private readonly List<EvaluationRecord> _toCalibrate = [];
    private string? _failure;

    /// <summary>Adds a result; those of an episode follow each other.</summary>
    public void Add(EvaluationRecord record)
    {
        if (_episode.Count > 0 && _episode[0].Episode != record.Episode)
        {
            EndEpisode();
        }
        _episode.Add(record);
        _failure ??= record.Failure;
        if (record.Confidence is { } confidence)
        {
            _reliability.Add(confidence, record.Correct!);
            if (calibratedAnswers > 0)
            {
                _toCalibrate.Add(record);
            }
        }
    }

    /// <summary>The scores, beside those of the first method of the run.</summary>
    public MethodScores Finish(ScoreBuilder first)
    {
        double[] differences = [.. from own in _accuracies
                                   where first._accuracies.ContainsKey(own.Key)
                                   select own.Value - first._accuracies[own.Key]];
        var (mean, error) = Means(differences);
        return new MethodScores(
            method, [.. _order.Select(cell => new CellScore(cell, _cells[cell].Finish()))], _overall.Finish(),
            new PairedDifference(differences.Length, mean, error), _failure)
        {
            Reliability = _reliability.Finish(),
            Calibration = Calibrate(),
        };
    }

    private CalibrationScores? Calibrate()
    {
        var (fit, sums) = (new CurveFit(), new ReliabilitySums());
        foreach (var record in _toCalibrate)
        {
            fit.Add(record.Confidence!, record.Correct!);
        }
        if (fit.Fit(calibratedAnswers) is not { } curve)
        {
            return null;
        }
        foreach (var record in _toCalibrate)
        {
            sums.Add(curve.Apply(record.Confidence!), record.Correct!);
        }
        return new CalibrationScores(curve, sums.Finish()!);
    }

    /// <summary>Mean and its standard error, from the sample's deviation.</summary>
    private static (double? Mean, double? Error) Means(IReadOnlyCollection<double> values)
    {
        var n = values.Count;
        if (n == 0)
        {
            return (null, null);
        }
        var mean = values.Average();
        return (mean, n < 2 ? null : Math.Sqrt(values.Sum(a => (a - mean) * (a - mean)) / (n - 1) / n));
    }

    /// <summary>Ends the episode that results came of.</summary>
    public void EndEpisode()
    {
        if (_episode.Count == 0)
        {
            return;
        }
        var cell = _episode[0].Cell;
        if (!_cells.TryGetValue(cell, out var sums))
        {
            _cells[cell] = sums = new Sums();
            _order.Add(cell);
        }
        sums.Add(_episode);
        if (_overall.Add(_episode) is { } accuracy)
        {
            _accuracies[_episode[0].Episode] = accuracy;
        }
        _episode.Clear();
    }

    private sealed class Sums
    {
        private readonly List<double> _accuracies = [];
        private double _ari, _nmi, _deviations, _seconds, _right;
        private long _estimated, _withOrders, _unparsed, _failed, _tokens;

        /// <summary>Adds the results of an episode.</summary>
        /// <returns>Its accuracy, where it has one.</returns>
        public double? Add(List<EvaluationRecord> episode)
        {
            _seconds += episode.Sum(r => r.Seconds);
            _tokens += episode.Sum(r => r.Tokens);
            _unparsed += episode.Sum(r => (long)r.Unparsed);
            var scored = episode.Where(r => r.Failure is null).ToArray();
            _failed += episode.Count - scored.Length;
            if (scored.Length == 0)
            {
                return null;
            }
            var mean = scored.Average(r => r.Accuracy);
            _accuracies.Add(mean);
            _ari += scored.Average(r => r.Ari);
            _nmi += scored.Average(r => r.Nmi);
            if (scored[0].Clusters is not null)
            {
                _right += scored.Average(r => r.Clusters == r.Cell.C ? 1.0 : 0);
                _estimated++;
            }
            if (scored.Length > 1)
            {
                _deviations += Math.Sqrt(scored.Average(r => (r.Accuracy - mean) * (r.Accuracy - mean)));
                _withOrders++;
            }
            return mean;
        }

        public Score Finish()
        {
            var n = _accuracies.Count;
            var (mean, error) = Means(_accuracies);
            return new Score(
                n, mean, error, n == 0 ? null : _ari / n, n == 0 ? null : _nmi / n, _withOrders == 0 ? null : _deviations / _withOrders,
                _unparsed, _failed, _seconds, _tokens)
            {
                RightClusters = _estimated == 0 ? null : _right / _estimated,
            };
        }
    }
}
