using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// Answers to several prompts in one session: the prompts go through the model packed together, once each; then every forward pass takes
/// for every answer that is not whole what the model has not seen of it.
/// </summary>
internal sealed class AnswerRun
{
    private readonly InferenceSession _session;
    private readonly AnswerOptions _options;
    private readonly CancellationToken _cancellation;

    private AnswerRun(InferenceSession session, AnswerOptions options, CancellationToken cancellation) =>
        (_session, _options, _cancellation) = (session, options, cancellation);

    /// <summary>Tokens that answering takes room for.</summary>
    public static SessionOptions Room(int promptTokens, AnswerTokens tokens, AnswerOptions options, LoraAdapter? adapter)
    {
        var copies = Math.Max(options.Samples, options.Beams);
        return Decoding.Room(promptTokens, new GenerationOptions { MaxNewTokens = tokens.MostTokens, Samples = copies, Sampling = options.Sampling }, adapter);
    }

    /// <summary>Answers prompts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="room">Size of the session: the sum of what each prompt takes.</param>
    /// <param name="prompts">An empty answer for each prompt.</param>
    /// <param name="options">How.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="progress">Called with the share of the labels that are chosen, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>For each prompt its answers.</returns>
    public static Answer[][] Run(
        CausalLM model, SessionOptions room, IReadOnlyList<AnswerDraft> prompts, AnswerOptions options, LoraAdapter? adapter,
        Action<double>? progress, CancellationToken cancellation)
    {
        using var session = new InferenceSession(model, room);
        var run = new AnswerRun(session, options, cancellation);
        AnswerDraft[] open = [.. prompts.Where(p => !p.IsDone)];
        foreach (var draft in open)
        {
            draft.Sequence = session.Begin(adapter);
        }
        return options.Beams > 1 ? run.Search(prompts, progress) : run.Draw(prompts, progress);
    }

    private Answer[][] Draw(IReadOnlyList<AnswerDraft> prompts, Action<double>? progress)
    {
        var samples = _options.Samples;
        var drafts = new AnswerDraft[prompts.Count * samples];
        AnswerDraft[] open = [.. prompts.Where(p => !p.IsDone)];
        Forward(open);
        for (var i = 0; i < drafts.Length; i++)
        {
            var prompt = prompts[i / samples];
            drafts[i] = i % samples == 0 ? prompt : Fork(prompt);
        }
        // Numbers of a sample depend on the seed and its place alone.
        var random = Array.ConvertAll(Enumerable.Range(0, drafts.Length).ToArray(), i => new SeededRandom(_options.Seed ^ ((long)i << 32)));
        // All samples of a prompt begin with the logits of its one row.
        var live = Enumerable.Range(0, drafts.Length).Where(i => !drafts[i].IsDone).ToArray();
        int[] rows = [.. live.Select(i => Array.IndexOf(open, prompts[i / samples]))];
        while (live.Length > 0)
        {
            for (var first = 0; first < live.Length;)
            {
                var count = 1;
                while (first + count < live.Length && rows[first + count] == rows[first] + count)
                {
                    count++;
                }
                Choose(rows[first], [.. live.Skip(first).Take(count).Select(i => (drafts[i], random[i]))]);
                first += count;
            }
            foreach (var i in live.Where(i => drafts[i].IsDone))
            {
                End(drafts[i]);
            }
            live = [.. live.Where(i => !drafts[i].IsDone)];
            rows = [.. Enumerable.Range(0, live.Length)];
            Forward([.. live.Select(i => drafts[i])]);
            progress?.Invoke(drafts.Average(d => d.Answered));
        }
        return [.. drafts.Chunk(samples).Select(c => Array.ConvertAll(c, d => d.Answer))];
    }

    /// <summary>Chooses the next token of drafts whose logits stand in rows that follow one another.</summary>
    private void Choose(int firstRow, (AnswerDraft Draft, SeededRandom Random)[] drafts)
    {
        var uniforms = Array.ConvertAll(drafts, d => d.Random.NextDouble());
        var (chosen, logs) = (new int[drafts.Length], new double[drafts.Length]);
        var (ids, ends) = Allowed([.. drafts.Select(d => d.Draft)]);
        _session.Model.Backend.Sample(
            _session.LastLogits(firstRow, drafts.Length), new AllowedIds(ids, ends), _options.Sampling, uniforms, chosen, logs);
        for (var i = 0; i < drafts.Length; i++)
        {
            drafts[i].Draft.Add(chosen[i], logs[i]);
        }
    }

    /// <summary>
    /// Beam search over labels: of the answers that have the fewest labels decided every continuation is looked at, and the likeliest
    /// drafts that differ in their labels go on.
    /// </summary>
    private Answer[][] Search(IReadOnlyList<AnswerDraft> prompts, Action<double>? progress)
    {
        var beams = prompts.Select(p => new List<AnswerDraft> { p }).ToArray();
        while (true)
        {
            AnswerDraft[] grow = [.. beams.SelectMany(LeastDecided)];
            if (grow.Length == 0)
            {
                return [.. beams.Select(b => new[] { b.MaxBy(d => d.LogProbability)!.Answer })];
            }
            Forward(grow);
            var (ids, ends) = Allowed(grow);
            var logs = new double[ids.Length];
            _session.Model.Backend.LogProbabilities(_session.LastLogits(0, grow.Length), new AllowedIds(ids, ends), amongIds: true, logs);
            var grown = new Dictionary<AnswerDraft, (int First, int End)>();
            for (var i = 0; i < grow.Length; i++)
            {
                grown[grow[i]] = (i == 0 ? 0 : ends[i - 1], ends[i]);
            }
            foreach (var beam in beams)
            {
                Prune(beam, grown, ids, logs);
            }
            progress?.Invoke(beams.Average(b => b.Average(d => d.Answered)));
        }
    }

    private static IEnumerable<AnswerDraft> LeastDecided(List<AnswerDraft> beam)
    {
        var least = beam.Min(d => d.Deciding);
        return beam.Where(d => !d.IsDone && d.Deciding == least);
    }

    /// <summary>Replaces the drafts of one prompt by the best of what they become.</summary>
    private void Prune(List<AnswerDraft> beam, Dictionary<AnswerDraft, (int First, int End)> grown, int[] ids, double[] logs)
    {
        var candidates = new List<(AnswerDraft Parent, int At, double Score)>();
        foreach (var draft in beam)
        {
            var (first, end) = grown.GetValueOrDefault(draft, (-1, 0));
            candidates.AddRange(Enumerable.Range(first, end - first).Select(at => (draft, at, draft.LogProbability + (at < 0 ? 0 : logs[at]))));
        }
        var (kept, seen) = (new List<(AnswerDraft Parent, AnswerDraft Child)>(), new HashSet<string>());
        foreach (var (parent, at, _) in candidates.OrderByDescending(c => c.Score))
        {
            var child = parent;
            if (at >= 0)
            {
                child = parent.Copy();
                child.Add(ids[at], logs[at]);
            }
            if (seen.Add(child.Decided))
            {
                kept.Add((parent, child));
            }
            if (kept.Count == _options.Beams)
            {
                break;
            }
        }
        // Pages first become free, then are taken.
        foreach (var draft in beam.Where(d => kept.All(k => k.Parent != d || k.Child.IsDone)))
        {
            End(draft);
        }
        foreach (var group in kept.Where(k => k.Child != k.Parent && !k.Child.IsDone).GroupBy(k => k.Parent))
        {
            var others = group.Skip(1).ToArray();
            foreach (var (parent, child) in others)
            {
                child.Sequence = _session.Fork(parent.Sequence!);
            }
            group.First().Child.Sequence = group.Key.Sequence;
        }
        beam.Clear();
        beam.AddRange(kept.Select(k => k.Child));
    }

    private void Forward(AnswerDraft[] drafts)
    {
        if (drafts.Length == 0)
        {
            return;
        }
        _session.Forward([.. drafts.Select(d => new SequenceInput(d.Sequence!, d.Unseen))], null, _cancellation);
        foreach (var draft in drafts)
        {
            draft.Seen();
        }
    }

    private AnswerDraft Fork(AnswerDraft draft)
    {
        var copy = draft.Copy();
        copy.Sequence = draft.Sequence is { } sequence ? _session.Fork(sequence) : null;
        return copy;
    }

    private void End(AnswerDraft draft)
    {
        if (draft.Sequence is { } sequence)
        {
            _session.End(sequence);
            draft.Sequence = null;
        }
    }

    private static (int[] Ids, int[] Ends) Allowed(AnswerDraft[] drafts)
    {
        var ends = new int[drafts.Length];
        for (var i = 0; i < ends.Length; i++)
        {
            ends[i] = (i == 0 ? 0 : ends[i - 1]) + drafts[i].Choices.Length;
        }
        return ([.. drafts.SelectMany(d => d.Choices)], ends);
    }
}
