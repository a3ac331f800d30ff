using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>How several answers become one clustering.</summary>
public enum AnswerConsensus
{
    /// <summary>Labels are made comparable (Hungarian method), and each point takes the one that most answers give it.</summary>
    Vote,
    /// <summary>Spectral clustering of how often points are together.</summary>
    CoAssociation,
}

/// <summary>Settings of <see cref="AnswerEnsemble"/>.</summary>
public sealed record EnsembleOptions
{
    internal const int MostPermutations = 10_000;

    /// <summary>How each answer is chosen.</summary>
    public AnswerOptions Answers { get; init; } = new();

    /// <summary>Orders of the points that the model is asked about, the first being the order given.</summary>
    public int Permutations { get; init; } = 1;

    /// <summary>How the answers become one.</summary>
    public AnswerConsensus Consensus { get; init; }

    /// <summary>Seed of the orders and of the spectral clustering.</summary>
    public long Seed { get; init; }
}

/// <summary>What several answers of a model agree on.</summary>
/// <param name="Labels">Cluster of every point [n], numbered by first appearance.</param>
/// <param name="Confidence">
/// [n], each in 0 to 1: the mean over the answers of the probability that each gives the point's cluster. An answer whose (aligned) label is that
/// cluster gives it its label's probability p, another one its equal share of the rest, (1 - p) / (k - 1).
/// </param>
/// <param name="Answers">The answers, in the order of the points as given: all samples of the first order, then of the next.</param>
public sealed record EnsembleResult(int[] Labels, double[] Confidence, IReadOnlyList<Answer> Answers);

/// <summary>Clusters points by asking a model several times: about the points in several orders, drawing several answers, or both.</summary>
public static class AnswerEnsemble
{
    /// <summary>Asks, and combines the answers.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points and answers are written for it.</param>
    /// <param name="points">The points.</param>
    /// <param name="clusters">Number of clusters k, from 1 to n.</param>
    /// <param name="options">Settings.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the labels that are chosen, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccArgumentException">A number of clusters that cannot be, or an option outside its limits.</exception>
    /// <exception cref="IccUnsupportedException">The vocabulary cannot write the answers.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static EnsembleResult Cluster(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, EnsembleOptions options, LoraAdapter? adapter = null,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        if (options.Permutations is < 1 or > EnsembleOptions.MostPermutations)
        {
            throw new IccArgumentException($"{options.Permutations} permutations; expected from 1 to {EnsembleOptions.MostPermutations}");
        }
        var orders = SubsetPlan.Orders(points.Count, options.Permutations, options.Seed);
        PointSet[] prompts = [.. orders.Select(o => points.Select(o))];
        var given = ConstrainedAnswer.Generate(model, format, prompts, clusters, options.Answers, adapter, progress, cancellation);
        Answer[] answers = [.. given.SelectMany((list, i) => list.Select(answer => Restore(answer, orders[i])))];
        return Combine(model.Backend, answers, clusters, options);
    }

    /// <summary>One clustering from answers about the same points in the same order.</summary>
    internal static EnsembleResult Combine(IBackend backend, IReadOnlyList<Answer> answers, int clusters, EnsembleOptions options)
    {
        int[][] labelings = [.. answers.Select(a => a.Labels)];
        var n = labelings[0].Length;
        if (options.Consensus == AnswerConsensus.Vote || n == 1)
        {
            var votes = LabelVoting.Vote(labelings);
            return new EnsembleResult(votes.Labels, Confidence(votes.Labels, answers, votes.Aligned, clusters), answers);
        }
        var spectral = new SpectralClustering { NClusters = clusters, RandomState = options.Seed };
        var labels = LabelOrder.ByFirstAppearance(spectral.FitPredict(backend, CoAssociation.Matrix(labelings), n).Labels);
        return new EnsembleResult(
            labels, Confidence(labels, answers, [.. labelings.Select(l => LabelVoting.Align(labels, l))], clusters), answers);
    }

    private static double[] Confidence(int[] labels, IReadOnlyList<Answer> answers, IReadOnlyList<int[]> aligned, int clusters)
    {
        var confidence = new double[labels.Length];
        for (var i = 0; i < labels.Length; i++)
        {
            for (var m = 0; m < answers.Count; m++)
            {
                var p = Math.Min(1, Math.Exp(answers[m].LogProbabilities[i]));
                confidence[i] += (aligned[m][i] == labels[i] ? p : (1 - p) / Math.Max(1, clusters - 1)) / answers.Count;
            }
        }
        return confidence;
    }

    /// <summary>An answer about permuted points, in the order of the points as given.</summary>
    private static Answer Restore(Answer answer, int[] order)
    {
        var (labels, logs) = (new int[order.Length], new double[order.Length]);
        for (var i = 0; i < order.Length; i++)
        {
            (labels[order[i]], logs[order[i]]) = (answer.Labels[i], answer.LogProbabilities[i]);
        }
        return new Answer(labels, logs);
    }
}
