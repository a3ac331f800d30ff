using System.Diagnostics;
using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>Runs methods on episodes whose clusters are known.</summary>
public static class Evaluation
{
    private const int ConfidenceDigits = 6;

    /// <summary>
    /// Runs what the log does not have yet: episode by episode, each order of its points by all methods, so that a run that was ended compares
    /// methods on the same episodes.
    /// </summary>
    /// <param name="data">The episodes.</param>
    /// <param name="methods">The methods, of different names.</param>
    /// <param name="limit">How many episodes of each cell at most; null: all.</param>
    /// <param name="log">Where results are, and go to.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1, of what was still to be done.</param>
    /// <param name="cancellation">Looked at before each run of a method, and by methods that take long.</param>
    /// <returns>Scores of each method.</returns>
    /// <exception cref="IccArgumentException">No method, or two of one name.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the log has what was done.</exception>
    public static IReadOnlyList<MethodScores> Run(
        EvaluationData data, IReadOnlyList<EvaluationMethod> methods, long? limit, EvaluationLog log, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        Check(methods, limit);
        var all = data.Count(limit) * (double)methods.Count;
        var (found, ran) = (0L, 0L);
        var scores = methods.Select(m => new ScoreBuilder(m.Name, m.CalibratedAnswers)).ToArray();
        foreach (var (index, episode) in data.Episodes(limit))
        {
            for (var order = 0; order < (episode.Perms?.Count ?? 1); order++)
            {
                for (var m = 0; m < methods.Count; m++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    var record = log.Find(methods[m].Name, index, order);
                    if (record is null)
                    {
                        record = RunOne(methods[m], index, episode, order, cancellation);
                        log.Add(record);
                        ran++;
                        progress?.Report(ran / Math.Max(ran, all - found));
                    }
                    else
                    {
                        found++;
                    }
                    scores[m].Add(record);
                }
            }
        }
        Array.ForEach(scores, s => s.EndEpisode());
        return [.. scores.Select(s => s.Finish(scores[0]))];
    }

    private static void Check(IReadOnlyList<EvaluationMethod> methods, long? limit)
    {
        if (methods.Count == 0)
        {
            throw new IccArgumentException("method: found none, expected at least one");
        }
        if (methods.GroupBy(m => m.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new IccArgumentException($"method: found {twice.Key} twice, expected different methods");
        }
        if (limit < 1)
        {
            throw new IccArgumentException($"limit: found {limit}, expected 1 or more episodes of each cell");
        }
    }

    private static EvaluationRecord RunOne(EvaluationMethod method, long index, Episode episode, int order, CancellationToken cancellation)
    {
        var points = new PointSet(episode.X, episode.N, episode.D);
        var truth = episode.Y;
        if (episode.Perms is { } perms)
        {
            (points, truth) = (points.Select(perms[order]), Array.ConvertAll(perms[order], i => episode.Y[i]));
        }
        var watch = Stopwatch.StartNew();
        EvaluationRecord Record(EvaluationAnswer answer, double accuracy, double ari, double nmi, string? failure) => new(
            method.Name, index, order, EvaluationCell.Of(episode), episode.N, accuracy, ari, nmi, answer.Unparsed,
            Math.Round(watch.Elapsed.TotalSeconds, 6), answer.Tokens, failure,
            answer.Confidence is { } confidence ? Array.ConvertAll(confidence, c => Math.Round(c, ConfidenceDigits)) : null,
            answer.Confidence is null ? null : Correct(truth, answer.Labels))
        {
            Clusters = answer.Clusters,
        };
        try
        {
            var answer = method.Cluster(points, episode.NClusters, cancellation);
            watch.Stop();
            return Record(
                answer, Metrics.Accuracy(truth, answer.Labels), Metrics.AdjustedRandIndex(truth, answer.Labels),
                Math.Clamp(Metrics.NormalizedMutualInfo(truth, answer.Labels), 0, 1), null);
        }
        catch (IccArgumentException e)
        {
            // What the method cannot do with these points: the others go on.
            return Record(new EvaluationAnswer([]), 0, 0, 0, e.Message);
        }
    }

    /// <summary>Which points the best one-to-one matching of the clusters with the true ones gives their true cluster; never one without a label.</summary>
    private static bool[] Correct(int[] truth, int[] labels)
    {
        // As with labels, any number may name a true cluster; below 0 it would be noise.
        var names = truth.Distinct().Order().Select((name, rank) => (name, rank)).ToDictionary(p => p.name, p => p.rank);
        var ranks = Array.ConvertAll(truth, t => names[t]);
        return [.. LabelVoting.Align(ranks, labels).Zip(ranks, (label, rank) => label == rank)];
    }
}
