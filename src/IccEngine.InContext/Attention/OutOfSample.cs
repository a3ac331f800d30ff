using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>
/// New points labelled against clustered ones by the model's attention. A prompt of clustered points goes through the model once; every
/// new point continues it as the next one, over its cached keys and values, and the attention of the new point's tokens is read: relative
/// to looking at all points alike, as in the paper's affinity, its mean over the points of a cluster is the say of the cluster. The says
/// are averaged over several prompts, each of other clustered points or in another order. The cost grows linearly with the new points.
/// </summary>
internal sealed class OutOfSample(CausalLM model, IPromptFormat format, PointSet points, int clusters, AttentionOptions options, LoraAdapter? adapter)
{
    private const int PointsAtOnce = 64;
    private const float SumGuard = 1e-7f;

    /// <summary>Labels points.</summary>
    /// <param name="known">Numbers of the clustered points.</param>
    /// <param name="labels">Their clusters.</param>
    /// <param name="layers">Layers that are read.</param>
    /// <param name="rest">Numbers of the points to be labelled.</param>
    /// <param name="progress">Called with the share of the work that is done.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>[rest]: a cluster each.</returns>
    public int[] Label(int[] known, int[] labels, int[] layers, int[] rest, Action<double> progress, CancellationToken cancellation)
    {
        var features = SubsetPlan.Features(points.Features, options.Permutations, options.Seed);
        var random = new SeededRandom(options.Seed);
        var shown = Math.Min(known.Length, format.MaxPoints is null ? known.Length : format.SubsetPoints);
        var places = Enumerable.Range(0, known.Length).ToArray();
        var (sums, meetings) = (new double[rest.Length * clusters], new int[clusters]);
        for (var prompt = 0; prompt < options.Permutations; prompt++)
        {
            random.Shuffle(places);
            var context = places[..shown];
            int[] clusterOf = [.. context.Select(p => labels[p])];
            Array.ForEach(clusterOf, c => meetings[c]++);
            var turned = points.WithFeatures(features[prompt]);
            using var prefix = new Prefix(model, format.Fitted(turned.Select(known)), turned, [.. context.Select(p => known[p])], clusters, adapter, cancellation);
            for (var first = 0; first < rest.Length; first += PointsAtOnce)
            {
                int[] batch = rest[first..Math.Min(first + PointsAtOnce, rest.Length)];
                var attention = prefix.Attention(batch, layers, options.Head, cancellation);
                for (var i = 0; i < batch.Length; i++)
                {
                    AddSays(attention[i], clusterOf, sums.AsSpan((first + i) * clusters, clusters));
                }
                progress((prompt + (double)(first + batch.Length) / rest.Length) / options.Permutations);
            }
        }
        return [.. Enumerable.Range(0, rest.Length).Select(i => Enumerable.Range(0, clusters)
            .MaxBy(c => meetings[c] == 0 ? double.NegativeInfinity : sums[i * clusters + c] / meetings[c]))];
    }

    private static void AddSays(float[] attention, int[] clusterOf, Span<double> says)
    {
        var sum = SumGuard + attention.Sum();
        for (var p = 0; p < attention.Length; p++)
        {
            says[clusterOf[p]] += attention[p] / sum * attention.Length;
        }
    }

    /// <summary>A prompt of clustered points that the model has seen.</summary>
    internal sealed class Prefix : IDisposable
    {
        private readonly CausalLM _model;
        private readonly IPromptFormat _format;
        private readonly PointSet _points;
        private readonly int[] _context;
        private readonly int _clusters;
        private readonly EncodedPrompt _prompt;
        private readonly InferenceSession _session;
        private readonly Sequence _sequence;

        public Prefix(
            CausalLM model, IPromptFormat format, PointSet points, int[] context, int clusters, LoraAdapter? adapter, CancellationToken cancellation)
        {
            (_model, _format, _points, _context, _clusters) = (model, format, points, context, clusters);
            _prompt = format.Encode(points.Select(context), clusters);
            // Points are about as long as one another; a continuation that is far longer is refused by the session.
            var most = 32 + 2 * _prompt.Spans.Max(s => s.Length);
            var continuations = new GenerationOptions { MaxNewTokens = most, Samples = PointsAtOnce + 1, Sampling = SamplingOptions.Greedy };
            _session = new InferenceSession(model, Decoding.Room(_prompt.PointIds.Length, continuations, adapter));
            _sequence = _session.Begin(adapter);
            _session.Forward([new SequenceInput(_sequence, _prompt.PointIds, LogitsWanted.None)], cancellation: cancellation);
        }

        /// <summary>For every new point its attention to the points of the prompt [context], a mean over its tokens and the layers.</summary>
        public float[][] Attention(int[] batch, int[] layers, int? head, CancellationToken cancellation)
        {
            var inputs = new SequenceInput[batch.Length];
            try
            {
                for (var i = 0; i < batch.Length; i++)
                {
                    inputs[i] = Continue(batch[i], layers, head is not null);
                }
                _session.Forward(inputs, cancellation: cancellation);
                return Array.ConvertAll(inputs, input => Read(input.Capture!, layers, head));
            }
            finally
            {
                foreach (var input in inputs)
                {
                    input.Capture?.Dispose();
                    if (input.Sequence is not null)
                    {
                        _session.End(input.Sequence);
                    }
                }
            }
        }

        public void Dispose() => _session.Dispose();

        private SequenceInput Continue(int point, int[] layers, bool perHead)
        {
            var whole = _format.Encode(_points.Select([.. _context, point]), _clusters);
            var seen = _prompt.PointIds.Length;
            if (whole.PointIds.Length <= seen || !whole.Ids.AsSpan(0, seen).SequenceEqual(_prompt.PointIds.Span))
            {
                throw new IccUnsupportedException(
                    "new points change how the prompt writes the earlier ones, so they cannot be labelled against these; expected a prompt that only grows");
            }
            var request = new TapRequest
            {
                Spans = _prompt.Spans,
                Singles = [.. Enumerable.Range(seen, whole.PointIds.Length - seen)],
                Layers = layers,
                PerHead = perHead,
            };
            return new SequenceInput(
                _session.Fork(_sequence), whole.PointIds[seen..], LogitsWanted.None, new AttentionCapture(_model, request));
        }

        private float[] Read(AttentionCapture capture, int[] layers, int? head)
        {
            var mean = new float[_context.Length];
            foreach (var layer in layers)
            {
                var tensor = capture.SingleToSpan(layer);
                var rows = capture.Read(head is { } h ? tensor.Row(h) : tensor);
                for (var at = 0; at < rows.Length; at++)
                {
                    mean[at % mean.Length] += rows[at] * mean.Length / (rows.Length * layers.Length);
                }
            }
            return mean;
        }
    }
}
