using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>How several answers become one clustering.</summary>
public enum AnswerConsensus
{
    /// <summary>Spectral clustering of how often points are together.</summary>
    CoAssociation,
    /// <summary>Labels are made comparable (Hungarian method), and each point takes the one that most answers give it.</summary>
    Vote,
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

    /// <summary>
    /// How often points of a confidence are right; null: the confidence is given as it is. So it is, too, where answers are found in another
    /// way than those that calibrations are fitted to: the likeliest token at each place, among the answers that the model was trained on,
    /// and several answers by their co-association.
    /// </summary>
    public ConfidenceCalibration? Calibration { get; init; }

    /// <summary>Seed of the orders and of the spectral clustering.</summary>
    public long Seed { get; init; }

    /// <summary>The calibration, where it is for answers of this kind.</summary>
    internal ConfidenceCalibration? FittingCalibration =>
        Answers is { Decoding: AnswerDecoding.Constrained, Sampling.IsGreedy: true, Samples: 1, Beams: 1, Canonical: null, UseAll: null }
        && (Consensus == AnswerConsensus.CoAssociation || Permutations == 1)
            ? Calibration
            : null;
}

/// <summary>What several answers of a model agree on.</summary>
/// <param name="Labels">Cluster of every point [n], numbered by first appearance; -1 where no answer gives it one that can be read.</param>
/// <param name="Confidence">
/// [n], each in 0 to 1: the mean over the answers of the probability that each gives the point's cluster, calibrated where there is a calibration.
/// An answer whose (aligned) label is that cluster gives it its label's probability p, another one its equal share of the rest, (1 - p) / (k - 1).
/// Of several free answers, whose labels have no probability of their own: the share that gives the point its cluster; of a single one null.
/// </param>
/// <param name="Answers">The answers, in the order of the points as given: all samples of the first order, then of the next.</param>
/// <param name="Calibrated">Whether the confidence is calibrated.</param>
public sealed record EnsembleResult(int[] Labels, double[]? Confidence, IReadOnlyList<Answer> Answers, bool Calibrated)
{
    /// <summary>Answers that could not be read.</summary>
    public int Unparsed => Answers.Count(a => !a.Parsed);
}

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
    /// <exception cref="IccMemoryException">There is no room for n x n numbers, which the co-association of several answers takes.</exception>
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
        var given = options.Answers.Decoding == AnswerDecoding.Free
            ? FreeAnswer.Generate(model, format, prompts, clusters, options.Answers, adapter, progress, cancellation)
            : ConstrainedAnswer.Generate(model, format, prompts, clusters, options.Answers, adapter, progress, cancellation);
        Answer[] answers = [.. given.SelectMany((list, i) => list.Select(answer => Restore(answer, orders[i])))];
        return Combine(model.Backend, answers, clusters, options);
    }

    /// <summary>One clustering from answers about the same points in the same order.</summary>
    internal static EnsembleResult Combine(IBackend backend, IReadOnlyList<Answer> answers, int clusters, EnsembleOptions options)
    {
        int[][] labelings = [.. answers.Select(a => a.Labels)];
        int[] answered = [.. Enumerable.Range(0, labelings[0].Length).Where(i => labelings.Any(l => l[i] >= 0))];
        var byVotes = options.Consensus == AnswerConsensus.Vote || answers.Count == 1 || answered.Length <= clusters;
        var labels = byVotes ? LabelVoting.Vote(labelings).Labels : Together(backend, labelings, answered, clusters, options.Seed);
        int[][] aligned = [.. labelings.Select(l => LabelVoting.Align(labels, l))];
        if (options.Answers.Decoding == AnswerDecoding.Free)
        {
            return new EnsembleResult(labels, answers.Count == 1 ? null : Shares(labels, aligned), answers, Calibrated: false);
        }
        var confidence = Confidence(labels, answers, aligned, clusters);
        var calibration = options.FittingCalibration;
        return new EnsembleResult(labels, calibration?.Apply(confidence, answers.Count) ?? confidence, answers, calibration is not null);
    }

    /// <summary>Spectral clustering of how often those points are together that have a label at all.</summary>
    private static int[] Together(IBackend backend, int[][] labelings, int[] answered, int clusters, long seed)
    {
        var n = answered.Length;
        var matrix = CoAssociation.Matrix([.. labelings.Select(l => Array.ConvertAll(answered, i => l[i]))]);
        var found = new SpectralClustering { NClusters = clusters, RandomState = seed }.FitPredict(backend, matrix, n).Labels;
        var labels = new int[labelings[0].Length];
        Array.Fill(labels, -1);
        for (var i = 0; i < n; i++)
        {
            labels[answered[i]] = found[i];
        }
        return LabelOrder.ByFirstAppearance(labels);
    }

    private static double[] Confidence(int[] labels, IReadOnlyList<Answer> answers, int[][] aligned, int clusters)
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

    private static double[] Shares(int[] labels, int[][] aligned) =>
        [.. labels.Select((label, i) => label < 0 ? 0 : aligned.Average(a => a[i] == label ? 1.0 : 0))];

    /// <summary>An answer about permuted points, in the order of the points as given.</summary>
    private static Answer Restore(Answer answer, int[] order)
    {
        var (labels, logs) = (new int[order.Length], new double[answer.LogProbabilities.Length]);
        for (var i = 0; i < order.Length; i++)
        {
            labels[order[i]] = answer.Labels[i];
            if (logs.Length > 0)
            {
                logs[order[i]] = answer.LogProbabilities[i];
            }
        }
        return answer with { Labels = labels, LogProbabilities = logs };
    }
}
