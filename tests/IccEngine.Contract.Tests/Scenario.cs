using IccEngine.Core;

namespace IccEngine.Contract.Tests;

/// <summary>What is tapped of one sequence.</summary>
internal sealed record TapSpec(TokenSpan[] Spans, int[] Singles, bool PerHead = false);

/// <summary>The taps' tensors on the host; empty where not wanted.</summary>
internal sealed record TapResult(double[] SpanToSpan, double[] SingleToSpan, double[] SingleToSingle);

/// <summary>Outputs by sequence [rows of the sequence, heads, headDim], and taps by sequence.</summary>
internal sealed record AttentionResult(double[][] Outputs, TapResult?[] Taps);

/// <summary>
/// An attention over one or more sequences whose queries, keys and values are random but fixed, in pages that are scattered over the
/// cache. Sequence s has Starts[s] tokens in the cache before its Rows[s] rows come.
/// </summary>
internal sealed record Scenario
{
    private const int Layers = 2;
    private const int Layer = 1;

    public int Heads { get; init; } = 4;

    public int KvHeads { get; init; } = 2;

    public int HeadDim { get; init; } = 32;

    public int PageTokens { get; init; } = 16;

    public AttentionMask Mask { get; init; } = new(true, null);

    public int[] Starts { get; init; } = [0];

    public int[] Rows { get; init; } = [70];

    public TapSpec?[] Taps { get; init; } = [null];

    /// <summary>About the largest |score|.</summary>
    public float Sharpness { get; init; } = 3;

    public bool WantsOutput { get; init; } = true;

    /// <summary>Whether queries are rounded to bfloat16 before anything is computed.</summary>
    public bool RoundsQueries { get; init; }

    /// <summary>Whether keys and values are.</summary>
    public bool RoundsCache { get; init; }

    /// <summary>Order in which the query heads' data is given to the heads.</summary>
    public int[]? HeadOrder { get; init; }

    public int Length(int sequence) => Starts[sequence] + Rows[sequence];

    /// <summary>Runs it, all rows in one call or in calls of <paramref name="chunk"/> rows of each sequence.</summary>
    public AttentionResult Run(IBackend backend, int chunk = int.MaxValue)
    {
        using var run = new ScenarioRun(this, backend);
        for (var first = 0; first < Rows.Max(); first += Math.Min(chunk, Rows.Max()))
        {
            run.Step(first, chunk);
        }
        return run.Result();
    }

    /// <summary>The probabilities of one head [Rows, Length] of one sequence.</summary>
    public double[] Probabilities(IBackend backend, int sequence, int head)
    {
        using var run = new ScenarioRun(this, backend);
        run.Step(0, int.MaxValue);
        var p = backend.Allocate(new Shape(Rows[sequence], Length(sequence) + 3));
        backend.AttentionProbabilities(run.LastCall, sequence, head, 0, p);
        return Data.Read(backend, p);
    }

    /// <summary>One run on one backend.</summary>
    internal sealed class ScenarioRun : IDisposable
    {
        private readonly Scenario _scenario;
        private readonly IBackend _backend;
        private readonly KvCache _cache;
        private readonly int[][] _pages;
        private readonly AttentionTap?[] _taps;
        private readonly List<double>[] _outputs;

        public ScenarioRun(Scenario scenario, IBackend backend)
        {
            (_scenario, _backend) = (scenario, backend);
            var sequences = scenario.Rows.Length;
            _pages = new int[sequences][];
            var needed = Enumerable.Range(0, sequences).Select(s => (scenario.Length(s) + scenario.PageTokens - 1) / scenario.PageTokens).ToArray();
            var order = Enumerable.Range(0, needed.Sum() + 2).ToArray();
            new Random(99).Shuffle(order);
            for (var (s, taken) = (0, 0); s < sequences; taken += needed[s], s++)
            {
                _pages[s] = order[taken..(taken + needed[s])];
            }
            _cache = backend.CreateKvCache(new KvShape(Layers, scenario.KvHeads, scenario.HeadDim, scenario.PageTokens, order.Length));
            _outputs = [.. Enumerable.Range(0, sequences).Select(_ => new List<double>())];
            _taps = [.. Enumerable.Range(0, sequences).Select(s => scenario.Taps.Length > s && scenario.Taps[s] is { } tap ? Tap(tap) : null)];
            var prefixes = Batch([.. Enumerable.Range(0, sequences).Select(s => (s, 0, scenario.Starts[s])).Where(b => b.Item3 > 0)], out var before);
            if (before > 0)
            {
                Store(prefixes, before);
            }
        }

        /// <summary>The call of the last step.</summary>
        public AttentionCall LastCall { get; private set; }

        /// <summary>Runs rows [first, first + chunk) of each sequence that has them.</summary>
        public void Step(int first, int chunk)
        {
            (int S, int Start, int Count)[] parts = [.. Enumerable.Range(0, _scenario.Rows.Length)
                .Select(s => (s, _scenario.Starts[s] + first, (int)Math.Min(chunk, (long)_scenario.Rows[s] - first))).Where(b => b.Item3 > 0)];
            var batch = Batch(parts, out var rows);
            var query = Store(batch, rows);
            var output = _scenario.WantsOutput ? _backend.Allocate(query.Shape) : default;
            LastCall = new AttentionCall
            {
                Query = query,
                Cache = _cache,
                Layer = Layer,
                Sequences = Array.ConvertAll(batch, b => b.Rows),
                Mask = _scenario.Mask,
                // Queries and keys are within [-1, 1]: a random score is a third of the root of headDim, times the scale.
                Scale = _scenario.Sharpness / MathF.Sqrt(_scenario.HeadDim),
                Output = output,
            };
            _backend.Attention(LastCall);
            foreach (var (s, sequence) in _scenario.WantsOutput ? batch : [])
            {
                _outputs[s].AddRange(Data.Read(_backend, output.Rows(sequence.FirstRow, sequence.RowCount)));
            }
        }

        public AttentionResult Result() => new(
            [.. _outputs.Select(o => o.ToArray())],
            [.. _taps.Select(t => t is null ? null : new TapResult(Values(t.SpanToSpan), Values(t.SingleToSpan), Values(t.SingleToSingle)))]);

        public void Dispose() => _cache.Dispose();

        private double[] Values(Tensor x) => x.IsEmpty ? [] : Data.Read(_backend, x);

        private AttentionTap Tap(TapSpec tap)
        {
            var (s, o) = (tap.Spans.Length, tap.Singles.Length);
            var planes = _scenario.Heads;
            Tensor Zeros(int rows, int columns) => rows * columns == 0 ? default
                : _backend.Allocate(tap.PerHead ? new Shape(planes, rows, columns) : new Shape(rows, columns));
            return new AttentionTap(tap.Spans, tap.Singles, tap.PerHead, Zeros(s, s), Zeros(o, s), Zeros(o, o));
        }

        private (int S, SequenceRows Rows)[] Batch((int S, int Start, int Count)[] parts, out int rows)
        {
            rows = 0;
            var batch = new (int, SequenceRows)[parts.Length];
            for (var i = 0; i < parts.Length; i++)
            {
                var (s, start, count) = parts[i];
                batch[i] = (s, new SequenceRows(rows, count, start, _pages[s], _taps[s]));
                rows += count;
            }
            return batch;
        }

        private static float[] Numbers(int count, int seed, bool rounded) =>
            rounded ? Array.ConvertAll(Data.Uniform(count, seed), Data.Rounded) : Data.Uniform(count, seed);

        /// <summary>Writes keys and values of the batch to the cache; the queries [rows, heads, headDim].</summary>
        private Tensor Store((int S, SequenceRows Rows)[] batch, int rows)
        {
            var (heads, kvHeads, dim) = (_scenario.Heads, _scenario.KvHeads, _scenario.HeadDim);
            var query = _backend.Allocate(new Shape(rows, heads, dim));
            var key = _backend.Allocate(new Shape(rows, kvHeads, dim));
            var value = _backend.Allocate(new Shape(rows, kvHeads, dim));
            foreach (var (s, sequence) in batch)
            {
                for (var r = 0; r < sequence.RowCount; r++)
                {
                    var seed = s * 100_000 + (sequence.Start + r) * 3;
                    var order = _scenario.HeadOrder ?? [.. Enumerable.Range(0, heads)];
                    var q = Numbers(heads * dim, seed, _scenario.RoundsQueries);
                    _backend.Write(order.SelectMany(h => q[(h * dim)..((h + 1) * dim)]).ToArray(), query.Row(sequence.FirstRow + r));
                    _backend.Write(Numbers(kvHeads * dim, seed + 1, _scenario.RoundsCache), key.Row(sequence.FirstRow + r));
                    _backend.Write(Numbers(kvHeads * dim, seed + 2, _scenario.RoundsCache), value.Row(sequence.FirstRow + r));
                }
            }
            var cos = Data.Tensor(_backend, Enumerable.Repeat(1f, rows * (dim / 2)).ToArray(), new Shape(rows, dim / 2));
            var sin = _backend.Allocate(new Shape(rows, dim / 2));
            _backend.RotateAndStore(query, key, value, cos, sin, _cache, Layer, Array.ConvertAll(batch, b => b.Rows));
            return query;
        }
    }
}
