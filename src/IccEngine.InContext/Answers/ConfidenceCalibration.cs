using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// From the confidence of answers to the share of points that are right: a logistic curve of the logits of the point's confidence and of the
/// mean over the points (Platt scaling with a second feature: an answer that went astray early is sure of wrong labels later, which shows in
/// its mean).
/// </summary>
/// <param name="Answers">Answers to which it was fitted.</param>
/// <param name="Intercept">Constant.</param>
/// <param name="Point">Factor of the logit of the point's confidence.</param>
/// <param name="Mean">Factor of the logit of the mean confidence.</param>
public sealed record ConfidenceCurve(int Answers, double Intercept, double Point, double Mean)
{
    private const double Least = 1e-4; // logits beyond say no more

    /// <summary>The calibrated confidence of points [n].</summary>
    /// <param name="confidence">[n], each in 0 to 1, of all points that the answers are about.</param>
    public double[] Apply(IReadOnlyList<double> confidence)
    {
        var mean = Logit(confidence.Average());
        return [.. confidence.Select(c => Sigmoid(Intercept + Point * Logit(c) + Mean * mean))];
    }

    internal static double Logit(double p)
    {
        p = Math.Clamp(p, Least, 1 - Least);
        return Math.Log(p / (1 - p));
    }

    internal static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}

/// <summary>A model's curves, for several numbers of answers.</summary>
public sealed class ConfidenceCalibration
{
    private readonly ConfidenceCurve[] _curves;

    /// <param name="curves">At least one, of different numbers of answers.</param>
    /// <exception cref="IccArgumentException">None, two of one number, a number of answers below 1, or a factor that is not finite.</exception>
    public ConfidenceCalibration(IEnumerable<ConfidenceCurve> curves)
    {
        _curves = [.. curves.OrderBy(c => c.Answers)];
        if (_curves.Length == 0 || _curves[0].Answers < 1 || _curves.DistinctBy(c => c.Answers).Count() < _curves.Length
            || !_curves.All(c => double.IsFinite(c.Intercept) && double.IsFinite(c.Point) && double.IsFinite(c.Mean)))
        {
            throw new IccArgumentException("calibration: expected one curve or more, of different numbers of answers from 1 on, with finite factors");
        }
    }

    /// <summary>The curves, by their number of answers.</summary>
    public IReadOnlyList<ConfidenceCurve> Curves => _curves;

    /// <summary>The calibrated confidence of points, by the curve of the most answers that are not more than there are.</summary>
    /// <param name="confidence">[n], each in 0 to 1, of all points that the answers are about.</param>
    /// <param name="answers">Answers that it comes of.</param>
    public double[] Apply(IReadOnlyList<double> confidence, int answers) =>
        (_curves.LastOrDefault(c => c.Answers <= answers) ?? _curves[0]).Apply(confidence);
}
