using System.Text;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.InContext.Tests.Evaluation;

/// <summary>Confidence: how reliable it is, and the curves that make it so.</summary>
public sealed class ConfidenceTests : IDisposable
{
    private static readonly EvaluationSetting _setting = new("data", "model", null, null, "cpu", 0, RawConfidence: true);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reliability_compares_the_confidence_with_what_is_right()
    {
        var data = Data("""{"c":2,"x":[[0],[0],[9],[9],[9]],"y":[-5,-5,7,7,7]}""", 2);
        // The last point is in the wrong cluster, the second in none.
        var method = new EvaluationMethod("m", (_, _, _) => new EvaluationAnswer([1, -1, 0, 0, 1], Confidence: [1, 0.05, 0.95, 0.85, 0.8]));
        var results = Path.Combine(_folder.Path, "results.jsonl");
        for (var run = 0; run < 2; run++)
        {
            // The second time from the file.
            using var log = EvaluationLog.Open(results, _setting);
            var found = Assert.Single(InContext.Evaluation.Run(data, [method], null, log)).Reliability!;
            Assert.Equal((10, 0.73, 0.6), (found.Points, Math.Round(found.Confidence, 12), found.Accuracy));
            Assert.Equal([2, 0, 0, 0, 0, 0, 0, 0, 4, 4], found.Bins.Select(b => (int)b.Points));
            Assert.Equal(new ReliabilityBin(0.9, 1, 4, 0.975, 1), found.Bins[9] with { Confidence = Math.Round(found.Bins[9].Confidence!.Value, 12) });
            Assert.Equal((0.825, 0.5), (found.Bins[8].Confidence, found.Bins[8].Accuracy));
            Assert.Null(found.Bins[1].Accuracy);
            Assert.Equal((0.05 + 2 * 0.325 + 2 * 0.025) / 5, found.Ece, 12);
            Assert.Equal((0.05 * 0.05 + 0.05 * 0.05 + 0.15 * 0.15 + 0.8 * 0.8) / 5, found.Brier, 12);
            Assert.Equal(3, File.ReadAllLines(results).Length);
        }
        var silent = new EvaluationMethod("silent", (points, _, _) => new EvaluationAnswer(new int[points.Count]));
        using var memory = EvaluationLog.Open(null, _setting);
        Assert.Null(InContext.Evaluation.Run(data, [silent], null, memory)[0].Reliability);
    }

    [Fact]
    public void A_fit_finds_the_curve_that_points_were_drawn_from()
    {
        var curve = new ConfidenceCurve(4, -0.3, 0.5, 0.4);
        var random = new SeededRandom(1);
        var fit = new CurveFit();
        for (var run = 0; run < 400; run++)
        {
            var level = random.NextDouble();
            double[] confidence = [.. Enumerable.Range(0, 200).Select(_ => Math.Clamp(level + 0.4 * (random.NextDouble() - 0.5), 0.01, 0.99))];
            var right = curve.Apply(confidence);
            fit.Add(confidence, Array.ConvertAll(right, p => random.NextDouble() < p));
        }
        var found = fit.Fit(4)!;
        Assert.Equal(4, found.Answers);
        Assert.Equal(curve.Intercept, found.Intercept, 0.05);
        Assert.Equal(curve.Point, found.Point, 0.05);
        Assert.Equal(curve.Mean, found.Mean, 0.05);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_fit_has_a_solution_where_all_points_are_right_or_where_confidence_separates_them(bool all)
    {
        var fit = new CurveFit();
        Assert.Null(fit.Fit(1));
        for (var run = 0; run < 50; run++)
        {
            fit.Add([0, 0.2, 0.999999, 1], all ? [true, true, true, true] : [false, false, true, true]);
        }
        var found = fit.Fit(1)!.Apply([0, 0.2, 0.999999, 1]);
        Assert.All(found, c => Assert.InRange(c, 0, 1));
        Assert.All(found.Skip(2), c => Assert.True(c > 0.9));
        Assert.Equal(all, found[0] > 0.9);
    }

    [Fact]
    public void Scores_have_the_curve_where_it_was_asked_for()
    {
        var data = Data("""{"c":2,"x":[[0],[0],[9],[9]],"y":[0,0,1,1]}""", 20);
        // Sure of everything, right on three of four.
        var method = new EvaluationMethod("m", (_, _, _) => new EvaluationAnswer([0, 0, 0, 1], Confidence: [0.99, 0.98, 0.97, 0.99]));
        using var log = EvaluationLog.Open(null, _setting);
        Assert.Null(InContext.Evaluation.Run(data, [method], null, log)[0].Calibration);
        var scores = InContext.Evaluation.Run(data, [method with { CalibratedAnswers = 3 }], null, log)[0];
        Assert.Equal(3, scores.Calibration!.Curve.Answers);
        Assert.True(scores.Reliability!.Ece > 0.2);
        Assert.True(scores.Calibration.Reliability.Brier < scores.Reliability.Brier);
        Assert.Equal(0.75, scores.Calibration.Reliability.Confidence, 0.01);
    }

    [Fact]
    public void The_curve_is_that_of_as_many_answers_or_fewer()
    {
        ConfidenceCurve few = new(2, 0, 1, 0), many = new(8, 1, 0.5, 0.5);
        var calibration = new ConfidenceCalibration([many, few]);
        double[] confidence = [0, 0.3, 0.9];
        Assert.Equal(few.Apply(confidence), calibration.Apply(confidence, 1));
        Assert.Equal(few.Apply(confidence), calibration.Apply(confidence, 7));
        Assert.Equal(many.Apply(confidence), calibration.Apply(confidence, 100));
        Assert.Equal(0.3, calibration.Apply(confidence, 2)[1], 12);
        Assert.All<ConfidenceCurve[]>(
            [[], [few, few], [few with { Answers = 0 }], [few with { Mean = double.NaN }]],
            curves => Assert.Throws<IccArgumentException>(() => new ConfidenceCalibration(curves)));
    }

    private EvaluationData Data(string line, int times)
    {
        var path = Path.Combine(_folder.Path, "data.jsonl");
        File.WriteAllText(path, string.Concat(Enumerable.Repeat(line + "\n", times)), Encoding.UTF8);
        return EvaluationData.FromFiles([path]);
    }
}
