using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// The model's own answer, greedily, where only labels can be chosen: what stands between the labels is known in advance and is
/// prefilled, and of the tokens that may continue a label the most likely one is taken.
/// </summary>
public static class ConstrainedAnswer
{
    /// <summary>Lets the model answer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">How points and answers are written for it.</param>
    /// <param name="points">The points.</param>
    /// <param name="clusters">Number of clusters k, from 1 to n.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the labels that are chosen, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>Label of every point [n], each from 0 to k - 1.</returns>
    /// <exception cref="Core.IccArgumentException">A number of clusters that cannot be, or more than the format can write.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static int[] Generate(
        CausalLM model, IPromptFormat format, PointSet points, int clusters, LoraAdapter? adapter = null,
        Action<double>? progress = null, CancellationToken cancellation = default)
    {
        if (clusters < 1 || clusters > points.Count)
        {
            throw new Core.IccArgumentException($"{clusters} clusters of {points.Count} points; expected from 1 to {points.Count}");
        }
        var prompt = format.Encode(points, clusters);
        var template = format.Answer(points, clusters);
        var longest = Math.Max(template.Labels.Max(l => l.Length), template.FirstLabels.Max(l => l.Length));
        var tokens = prompt.Ids.Length + template.Forced.Sum(f => f.Length) + template.Points * longest;
        using var session = new InferenceSession(model, new SessionOptions(tokens, 1, MaxLoraRank: adapter?.Rank ?? 0));
        var writer = new Writer(session, session.Begin(adapter), cancellation);
        var labels = new int[template.Points];
        var canonical = new CanonicalLabels(template.Points, template.Clusters);
        writer.Append(prompt.Ids);
        for (var i = 0; i < labels.Length; i++)
        {
            writer.Append(template.Forced[i]);
            var allowed = template.Canonical ? canonical.Allowed : new Range(0, template.Clusters);
            labels[i] = writer.Choose(i == 0 ? template.FirstLabels : template.Labels, allowed, template.Forced[i + 1]);
            if (template.Canonical)
            {
                canonical.Add(labels[i]);
            }
            progress?.Invoke((i + 1.0) / labels.Length);
        }
        return labels;
    }

    /// <summary>The text so far, of which the model has seen all but the last tokens.</summary>
    private sealed class Writer(InferenceSession session, Sequence sequence, CancellationToken cancellation)
    {
        private readonly List<int> _unseen = [];
        private readonly int[] _best = new int[1];

        public void Append(IEnumerable<int> ids) => _unseen.AddRange(ids);

        /// <summary>
        /// Chooses a label token by token. Where a label is the beginning of another one ("1" and "10"), the token that follows a
        /// finished label stands for its end.
        /// </summary>
        public int Choose(int[][] labels, Range allowed, int[] following)
        {
            List<int> candidates = [.. Enumerable.Range(0, labels.Length).Take(allowed)];
            var depth = 0;
            int Next(int label) => depth < labels[label].Length ? labels[label][depth] : following.Length > 0 ? following[0] : -1;
            while (candidates.Count > 1)
            {
                int[] options = [.. candidates.Select(Next).Where(id => id >= 0).Distinct().Order()];
                var chosen = options.Length == 1 ? options[0] : Ask(options);
                candidates.RemoveAll(c => Next(c) != chosen);
                if (candidates.FindIndex(c => depth == labels[c].Length) is var ended and >= 0)
                {
                    return candidates[ended];
                }
                _unseen.Add(chosen);
                depth++;
            }
            Append(labels[candidates[0]].Skip(depth));
            return candidates[0];
        }

        private int Ask(int[] options)
        {
            session.Forward([new SequenceInput(sequence, _unseen.ToArray())], null, cancellation);
            _unseen.Clear();
            session.Model.Backend.Sample(session.LastLogits(0), options, Core.SamplingOptions.Greedy, [], _best, []);
            return _best[0];
        }
    }
}
