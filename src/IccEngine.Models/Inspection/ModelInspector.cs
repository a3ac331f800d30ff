using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>A named array of float32 values, row-major.</summary>
/// <param name="Name">Name, as in the files of expected values: logits, hidden.layer0, attn.layer0, pool0.A_II, ...</param>
/// <param name="Values">Values.</param>
/// <param name="Extents">Extents.</param>
public sealed record NamedTensor(string Name, float[] Values, params long[] Extents);

/// <summary>What to look at in one pass of a prompt.</summary>
public sealed record InspectRequest
{
    /// <summary>Token ids [n], at least one.</summary>
    public required IReadOnlyList<int> Ids { get; init; }

    /// <summary>Whether the logits [n, vocab] are wanted.</summary>
    public bool Logits { get; init; } = true;

    /// <summary>Whether the hidden states [n, hidden] are wanted: after the embedding, after every layer, and the final norm.</summary>
    public bool Hidden { get; init; } = true;

    /// <summary>Attention maps: a layer and one head [n, n], or all heads (null) [heads, n, n].</summary>
    public IReadOnlyList<(int Layer, int? Head)> Maps { get; init; } = [];

    /// <summary>Pooled attention, or null.</summary>
    public TapRequest? Tap { get; init; }

    /// <summary>Adapter, or null.</summary>
    public LoraAdapter? Adapter { get; init; }

    /// <summary>Rows of one pass through the layers.</summary>
    public int MaxBatchTokens { get; init; } = 512;
}

/// <summary>Runs one prompt and keeps what happens inside, so that anyone can compare the engine with another one.</summary>
public static class ModelInspector
{
    /// <summary>Runs the prompt.</summary>
    /// <returns>
    /// logits [n, vocab]; hidden.embed, hidden.layerL, hidden.final_norm [n, hidden]; attn.layerL [heads, n, n] or attn.layerL.headH
    /// [n, n]; pool0.A_II [layers, S, S], pool0.A_OI [layers, O, S], pool0.A_OO [layers, O, O], with heads after the layers where they
    /// are kept apart.
    /// </returns>
    /// <exception cref="IccArgumentException">No tokens, a token, span, layer or head that does not exist.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<NamedTensor> Run(CausalLM model, InspectRequest request, CancellationToken cancellation = default)
    {
        Check(model, request);
        var tokens = request.Ids.Count;
        var results = new Dictionary<string, NamedTensor>();
        using var capture = request.Tap is null ? null : new AttentionCapture(model, request.Tap);
        using var session = new InferenceSession(
            model, new SessionOptions(tokens, 1, request.MaxBatchTokens, request.Adapter?.Rank ?? 0));
        var options = new ForwardOptions
        {
            OnHidden = request.Hidden ? r => Store(r, $"hidden.{r.Name}") : null,
            OnLogits = r => Store(r, r.Name),
            OnAttention = r => StoreMap(r),
            Maps = request.Maps,
        };
        var wanted = request.Logits ? LogitsWanted.All : LogitsWanted.None;
        session.Forward([new SequenceInput(session.Begin(request.Adapter), request.Ids.ToArray(), wanted, capture)], options, cancellation);
        return [.. results.Values, .. Pooled(capture)];

        void Store(RowsReport report, string name)
        {
            var width = report.Rows.Shape[1];
            var target = Target(name, tokens, width);
            model.Backend.Read(report.Rows, target.AsSpan(report.FirstPosition * width, (int)report.Rows.Shape.Elements));
        }

        void StoreMap(AttentionReport report)
        {
            var single = request.Maps.Contains((report.Layer, report.Head));
            var name = single ? $"attn.layer{report.Layer}.head{report.Head}" : $"attn.layer{report.Layer}";
            var target = single ? Target(name, tokens, tokens) : Target(name, model.Config.NumAttentionHeads, tokens, tokens);
            var (rows, seen) = (report.Probabilities.Shape[0], report.Probabilities.Shape[1]);
            var plane = single ? 0 : report.Head;
            for (var r = 0; r < rows; r++)
            {
                var at = ((long)plane * tokens + report.FirstPosition + r) * tokens;
                model.Backend.Read(report.Probabilities.Row(r), target.AsSpan(checked((int)at), seen));
            }
        }

        float[] Target(string name, params long[] extents)
        {
            if (!results.TryGetValue(name, out var found))
            {
                var elements = extents.Aggregate(1L, (a, b) => checked(a * b));
                if (elements > Array.MaxLength)
                {
                    throw new IccMemoryException($"{name} [{string.Join(", ", extents)}] has {elements:N0} values; at most {Array.MaxLength:N0} fit");
                }
                results[name] = found = new NamedTensor(name, new float[elements], extents);
            }
            return found.Values;
        }
    }

    private static IEnumerable<NamedTensor> Pooled(AttentionCapture? capture)
    {
        if (capture is null)
        {
            yield break;
        }
        var (spans, singles) = (capture.Request.Spans.Count, capture.Request.Singles.Count);
        foreach (var (name, rows, columns, of) in new (string, int, int, Func<int, Tensor>)[]
        {
            ("A_II", spans, spans, capture.SpanToSpan),
            ("A_OI", singles, spans, capture.SingleToSpan),
            ("A_OO", singles, singles, capture.SingleToSingle),
        })
        {
            if (rows > 0 && columns > 0)
            {
                var layers = capture.Request.Layers!;
                float[] values = [.. layers.SelectMany(l => capture.Read(of(l)))];
                yield return capture.Request.PerHead
                    ? new NamedTensor($"pool0.{name}", values, layers.Count, capture.Heads, rows, columns)
                    : new NamedTensor($"pool0.{name}", values, layers.Count, rows, columns);
            }
        }
    }

    private static void Check(CausalLM model, InspectRequest request)
    {
        foreach (var (layer, head) in request.Maps)
        {
            if (layer < 0 || layer >= model.Config.NumHiddenLayers || head < 0 || head >= model.Config.NumAttentionHeads)
            {
                throw new IccArgumentException(
                    $"attention of layer {layer}, head {head?.ToString() ?? "all"}: the model has layers 0 to {model.Config.NumHiddenLayers - 1}"
                    + $" and heads 0 to {model.Config.NumAttentionHeads - 1}");
            }
        }
        var end = Math.Max(
            request.Tap?.Spans.Select(s => s.End).DefaultIfEmpty().Max() ?? 0, request.Tap?.Singles.Select(s => s + 1).DefaultIfEmpty().Max() ?? 0);
        if (end > request.Ids.Count)
        {
            throw new IccArgumentException($"a span or single token reaches position {end - 1}; the prompt has positions 0 to {request.Ids.Count - 1}");
        }
    }
}
