using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;
using Xunit;

namespace IccEngine.Tests;

/// <summary>Answers of models: what is drawn, searched for and agreed on, and the probabilities that come with it.</summary>
public sealed class AnswerTests
{
    private const int Partitions = 7; // of 4 points into 2 clusters: S(4, 2)
    private const double Rounding = 1e-4; // of float32 logits, over a few labels

    private static readonly SamplingOptions Even = new(1000); // every legal token is about as likely

    [Fact]
    public void Probabilities_of_all_answers_sum_to_one_and_search_finds_the_likeliest()
    {
        using var model = IccModel.LoadEmbedded();
        var points = IccModelTests.Grid(4, 2);
        var drawn = Answers(model, points, 2, new AnswerOptions { Sampling = Even, Samples = 200, Seed = 1 });
        var all = drawn.DistinctBy(a => string.Join(' ', a.Labels)).ToArray();
        Assert.Equal(Partitions, all.Length);
        Assert.Equal(1, all.Sum(a => Math.Exp(a.LogProbability)), Rounding);
        Assert.All(drawn, a => Assert.Equal(0, a.LogProbabilities[0])); // the first label can only be 0
        var likeliest = all.MaxBy(a => a.LogProbability)!;
        var found = Assert.Single(Answers(model, points, 2, new AnswerOptions { Beams = Partitions }));
        Assert.Equal(likeliest.Labels, found.Labels);
        Assert.Equal(likeliest.LogProbability, found.LogProbability, Rounding);
    }

    [Fact]
    public void Answers_are_drawn_as_often_as_they_are_likely()
    {
        using var model = IccModel.LoadEmbedded();
        const int samples = 2000;
        var drawn = Answers(model, IccModelTests.Grid(4, 2), 2, new AnswerOptions { Sampling = new SamplingOptions(1), Samples = samples, Seed = 2 });
        foreach (var group in drawn.GroupBy(a => string.Join(' ', a.Labels)))
        {
            var p = Math.Exp(group.First().LogProbability);
            Assert.InRange(group.Count(), samples * p - 5 * Math.Sqrt(samples * p) - 1, samples * p + 5 * Math.Sqrt(samples * p) + 1);
        }
        var again = Answers(model, IccModelTests.Grid(4, 2), 2, new AnswerOptions { Sampling = new SamplingOptions(1), Samples = samples, Seed = 2 });
        Assert.All(drawn.Zip(again), pair => Assert.Equal(pair.First.Labels, pair.Second.Labels));
    }

    [Fact]
    public void Search_follows_labels_of_several_tokens()
    {
        using var model = IccModel.Load(TinyChat.Folder);
        var points = IccModelTests.Grid(13, 2);
        var greedy = Answers(model, points, 12, new AnswerOptions { Beams = 1 })[0];
        var found = Answers(model, points, 12, new AnswerOptions { Beams = 6 })[0];
        Assert.True(found.LogProbability >= greedy.LogProbability - Rounding);
        Assert.All(found.Labels, label => Assert.InRange(label, 0, 11));
        // All clusters used, numbered by first appearance, where that is asked for.
        var options = new AnswerOptions { Beams = 3, Canonical = true, UseAll = true };
        Assert.Equal(Enumerable.Range(0, 12), Answers(model, points, 12, options)[0].Labels.Distinct());
    }

    [Fact]
    public void Packed_prompts_are_answered_as_alone()
    {
        using var model = IccModel.Load(TinyChat.Folder);
        PointSet[] prompts = [IccModelTests.Grid(11, 2), IccModelTests.Grid(3, 1), IccModelTests.Grid(1, 1), IccModelTests.Grid(7, 2)];
        foreach (var options in new[] { new AnswerOptions(), new AnswerOptions { Beams = 3 } })
        {
            var packed = ConstrainedAnswer.Generate(model.Model, Paper(model), prompts, 1, options);
            Assert.All(packed, p => Assert.Equal(0, p[0].LogProbability)); // one cluster: nothing is chosen
            packed = ConstrainedAnswer.Generate(model.Model, Paper(model), [prompts[0], prompts[1], prompts[3]], 3, options);
            foreach (var (answers, points) in packed.Zip([prompts[0], prompts[1], prompts[3]]))
            {
                var alone = ConstrainedAnswer.Generate(model.Model, Paper(model), points, 3, options);
                Assert.Equal(alone[0].Labels, answers[0].Labels);
                Assert.Equal(alone[0].LogProbability, answers[0].LogProbability, 1e-3);
            }
        }
    }

    [Theory]
    [InlineData(AnswerConsensus.Vote)]
    [InlineData(AnswerConsensus.CoAssociation)]
    public void Ensembles_agree_on_clear_clusters(AnswerConsensus consensus)
    {
        using var model = IccModel.LoadEmbedded();
        var points = IccModelTests.Grid(24, 2);
        var options = new ClusterOptions
        {
            Method = ClusterMethod.Generate,
            Permutations = 5,
            Consensus = consensus,
            Answers = new AnswerOptions { Samples = 2, Sampling = new SamplingOptions(0.5) },
        };
        var result = model.Cluster(points, 3, options).Results[0];
        Assert.Equal(10, result.Answers.Count);
        Assert.Equal([.. Enumerable.Range(0, 24).Select(i => i % 3)], result.Labels);
        Assert.All(result.Confidence!, c => Assert.InRange(c, 0.5, 1));
        // Answers are in the order of the points as given, whatever order the model saw.
        Assert.All(result.Answers, a => Assert.True(Metrics.Accuracy(result.Labels, a.Labels) > 0.8));
    }

    [Fact]
    public void Raw_confidence_of_one_answer_is_its_probability()
    {
        using var model = IccModel.LoadEmbedded();
        var options = new ClusterOptions { Method = ClusterMethod.Generate, RawConfidence = true };
        var result = model.Cluster(IccModelTests.Grid(10, 1), 2, options).Results[0];
        var answer = Assert.Single(result.Answers);
        Assert.Equal(answer.Labels, result.Labels);
        Assert.All(answer.LogProbabilities.Zip(result.Confidence!), p => Assert.Equal(Math.Exp(p.First), p.Second, 12));
        Assert.Null(model.Cluster(IccModelTests.Grid(10, 1), 2, new ClusterOptions { Permutations = 1 }).Results[0].Confidence);
    }

    [Fact]
    public void Confidence_is_calibrated_by_the_curve_for_as_many_answers()
    {
        using var model = IccModel.LoadEmbedded();
        foreach (var permutations in new[] { 1, 3 })
        {
            var options = new ClusterOptions { Method = ClusterMethod.Generate, Permutations = permutations };
            var calibrated = model.Cluster(IccModelTests.Grid(10, 2), 2, options).Results[0];
            var raw = model.Cluster(IccModelTests.Grid(10, 2), 2, options with { RawConfidence = true }).Results[0];
            Assert.Equal((true, false), (calibrated.Calibrated, raw.Calibrated));
            var curves = EmbeddedSpec().Calibration!;
            Assert.Equal(curves.Apply(raw.Confidence!, permutations), calibrated.Confidence);
            Assert.NotEqual(raw.Confidence, calibrated.Confidence);
        }
        ClusterOptions[] others =
        [
            new() { Answers = new AnswerOptions { Beams = 2 } }, new() { Answers = new AnswerOptions { UseAll = false } }, new() { Answers = new AnswerOptions { Samples = 2 } },
            new() { Answers = new AnswerOptions { Sampling = new SamplingOptions(1) } }, new() { Permutations = 2, Consensus = AnswerConsensus.Vote },
        ];
        Assert.All(others, o => Assert.False(model.Cluster(IccModelTests.Grid(10, 2), 2, o with { Method = ClusterMethod.Generate }).Results[0].Calibrated));
        using var none = IccModel.Load(TinyChat.Folder);
        Assert.False(none.Cluster(IccModelTests.Grid(4, 2), 2, new ClusterOptions { Method = ClusterMethod.Generate }).Results[0].Calibrated);
    }

    [Fact]
    public void Options_outside_their_limits_are_refused()
    {
        using var model = IccModel.LoadEmbedded();
        AnswerOptions[] wrong =
        [
            new() { Samples = 0 }, new() { Beams = 0 }, new() { Beams = 2, Samples = 2 }, new() { Beams = 2, Sampling = new SamplingOptions(1) },
            new() { Sampling = default }, new() { Sampling = new SamplingOptions(-1) }, new() { Sampling = new SamplingOptions(1, TopP: 2) },
        ];
        Assert.All(wrong, options => Assert.Throws<IccArgumentException>(() => Answers(model, IccModelTests.Grid(4, 1), 2, options)));
        Assert.Throws<IccArgumentException>(
            () => model.Cluster(IccModelTests.Grid(4, 1), 2, new ClusterOptions { Method = ClusterMethod.Generate, Permutations = 0 }));
    }

    /// <summary>Answers through the facade: of the one order that was given.</summary>
    private static IReadOnlyList<Answer> Answers(IccModel model, PointSet points, int clusters, AnswerOptions options) =>
        model.Cluster(points, clusters, new ClusterOptions { Method = ClusterMethod.Generate, Answers = options, Seed = options.Seed }).Results[0].Answers;

    private static IccSpec EmbeddedSpec() =>
        IccSpec.Load(Path.Combine(Testing.Goldens.Repository, "src", "IccEngine", "Embedded", "icc-tiny", "icc.json"));

    private static PaperFormat Paper(IccModel model) => new(model.Tokenizer, model.Chat!.Render);
}
