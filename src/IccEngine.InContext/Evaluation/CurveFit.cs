namespace IccEngine.InContext;

/// <summary>
/// Fits a <see cref="ConfidenceCurve"/> to points that are known to be right or not: logistic regression by Newton's method, whose steps are
/// halved while they lead uphill, with a little shrinkage towards the confidence itself, so that it has a solution for any data.
/// </summary>
internal sealed class CurveFit
{
    private const int Features = 3; // 1, logit of the point's confidence, logit of the mean
    private const int MostSteps = 100;
    private const int MostHalvings = 40;
    private const double Shrinkage = 1e-3;
    private static readonly double[] Centre = [0, 1, 0];
    private const double Converged = 1e-10;
    private readonly List<(double Point, double Mean, bool Correct)> _points = [];

    /// <summary>Adds the points of one run.</summary>
    public void Add(IReadOnlyList<double> confidence, IReadOnlyList<bool> correct)
    {
        var mean = ConfidenceCurve.Logit(confidence.Average());
        _points.AddRange(confidence.Zip(correct, (c, right) => (ConfidenceCurve.Logit(c), mean, right)));
    }

    /// <summary>The curve that makes what was seen the likeliest; null where nothing was added.</summary>
    /// <param name="answers">Answers that the confidence came of.</param>
    public ConfidenceCurve? Fit(int answers)
    {
        if (_points.Count == 0)
        {
            return null;
        }
        double[] factors = [.. Centre];
        var loss = Loss(factors);
        for (var step = 0; step < MostSteps; step++)
        {
            var (gradient, hessian) = Derivatives(factors);
            var change = Solve(hessian, gradient);
            var (next, after) = Descend(factors, loss, change);
            if (after >= loss || change.Max(Math.Abs) < Converged)
            {
                break;
            }
            (factors, loss) = (next, after);
        }
        return new ConfidenceCurve(answers, Rounded(factors[0]), Rounded(factors[1]), Rounded(factors[2]));
    }

    private (double[] Factors, double Loss) Descend(double[] factors, double loss, double[] change)
    {
        var (next, after, size) = (factors, loss, 1.0);
        for (var halving = 0; halving < MostHalvings; halving++, size /= 2)
        {
            next = [.. factors.Zip(change, (f, c) => f - size * c)];
            after = Loss(next);
            if (after < loss)
            {
                break;
            }
        }
        return (next, after);
    }

    /// <summary>Mean negative log-likelihood and the shrinkage.</summary>
    private double Loss(double[] factors)
    {
        var sum = 0.0;
        foreach (var (point, mean, correct) in _points)
        {
            var z = factors[0] + factors[1] * point + factors[2] * mean;
            // log(1 + exp(-z)) for a point that is right, without overflow.
            var against = correct ? -z : z;
            sum += Math.Max(0, against) + Math.Log(1 + Math.Exp(-Math.Abs(against)));
        }
        return sum / _points.Count + factors.Zip(Centre, (f, c) => Shrinkage * (f - c) * (f - c) / 2).Sum();
    }

    private (double[] Gradient, double[,] Hessian) Derivatives(double[] factors)
    {
        var (gradient, hessian) = (new double[Features], new double[Features, Features]);
        for (var j = 0; j < Features; j++)
        {
            gradient[j] = Shrinkage * (factors[j] - Centre[j]);
            hessian[j, j] = Shrinkage;
        }
        foreach (var (point, mean, correct) in _points)
        {
            ReadOnlySpan<double> x = [1, point, mean];
            var p = ConfidenceCurve.Sigmoid(factors[0] + factors[1] * point + factors[2] * mean);
            for (var j = 0; j < Features; j++)
            {
                gradient[j] += (p - (correct ? 1 : 0)) * x[j] / _points.Count;
                for (var k = 0; k < Features; k++)
                {
                    hessian[j, k] += p * (1 - p) * x[j] * x[k] / _points.Count;
                }
            }
        }
        return (gradient, hessian);
    }

    /// <summary>Solves a x = b for a positive definite a, by elimination.</summary>
    private static double[] Solve(double[,] a, double[] b)
    {
        for (var j = 0; j < Features; j++)
        {
            for (var i = j + 1; i < Features; i++)
            {
                var factor = a[i, j] / a[j, j];
                for (var k = j; k < Features; k++)
                {
                    a[i, k] -= factor * a[j, k];
                }
                b[i] -= factor * b[j];
            }
        }
        for (var j = Features - 1; j >= 0; j--)
        {
            for (var k = j + 1; k < Features; k++)
            {
                b[j] -= a[j, k] * b[k];
            }
            b[j] /= a[j, j];
        }
        return b;
    }

    private static double Rounded(double factor) => Math.Round(factor, 4);
}
