namespace IccEngine.InContext;

/// <summary>Points whose confidence lies in a part of 0 to 1.</summary>
/// <param name="Low">Least confidence.</param>
/// <param name="High">Greatest confidence; it belongs to the next bin, except in the last one.</param>
/// <param name="Points">How many.</param>
/// <param name="Confidence">Their mean confidence; null where there are none.</param>
/// <param name="Accuracy">Share of them that is right; null where there are none.</param>
public sealed record ReliabilityBin(double Low, double High, long Points, double? Confidence, double? Accuracy);

/// <summary>
/// Whether points of a confidence are right as often as it says. A point is right where the best one-to-one matching of the clusters with the
/// true ones (Hungarian method) gives it its true cluster.
/// </summary>
/// <param name="Points">Points with a confidence, in all runs.</param>
/// <param name="Confidence">Their mean confidence.</param>
/// <param name="Accuracy">Share of them that is right.</param>
/// <param name="Ece">
/// Expected calibration error: the difference of confidence and accuracy in a bin, without sign, mean over the points (Guo and others 2017).
/// </param>
/// <param name="Brier">Brier score: the squared difference of the confidence from 1 for a point that is right, else from 0; mean over the points.</param>
/// <param name="Bins">Ten bins of equal width.</param>
public sealed record Reliability(
    long Points, double Confidence, double Accuracy, double Ece, double Brier, IReadOnlyList<ReliabilityBin> Bins);

/// <summary>Adds up how reliable a confidence is.</summary>
internal sealed class ReliabilitySums
{
    private const int Bins = 10;
    private readonly long[] _points = new long[Bins];
    private readonly long[] _correct = new long[Bins];
    private readonly double[] _confidence = new double[Bins];
    private double _squares;

    /// <summary>Adds the points of one run.</summary>
    public void Add(IReadOnlyList<double> confidence, IReadOnlyList<bool> correct)
    {
        for (var i = 0; i < confidence.Count; i++)
        {
            var bin = Math.Clamp((int)(Bins * confidence[i]), 0, Bins - 1);
            _points[bin]++;
            _confidence[bin] += confidence[i];
            _correct[bin] += correct[i] ? 1 : 0;
            _squares += Math.Pow(confidence[i] - (correct[i] ? 1 : 0), 2);
        }
    }

    /// <summary>What was added, or null where that was nothing.</summary>
    public Reliability? Finish()
    {
        var all = _points.Sum();
        if (all == 0)
        {
            return null;
        }
        var bins = Enumerable.Range(0, Bins).Select(b => new ReliabilityBin(
            (double)b / Bins, (b + 1.0) / Bins, _points[b], _points[b] == 0 ? null : _confidence[b] / _points[b],
            _points[b] == 0 ? null : (double)_correct[b] / _points[b])).ToArray();
        var error = bins.Sum(b => b.Points * Math.Abs((b.Confidence - b.Accuracy) ?? 0)) / all;
        return new Reliability(all, _confidence.Sum() / all, (double)_correct.Sum() / all, error, _squares / all, bins);
    }
}
