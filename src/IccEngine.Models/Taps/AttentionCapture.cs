using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>
/// The pooled attention of one sequence: given to a forward pass empty, read afterwards. Several forward passes that continue one
/// sequence add up to what a single one gives.
/// </summary>
public sealed class AttentionCapture : IDisposable
{
    private readonly IBackend _backend;
    private readonly AttentionTap?[] _taps;

    /// <summary>Makes room on the model's backend.</summary>
    /// <exception cref="IccArgumentException">A layer that the model does not have; spans that overlap or are out of order.</exception>
    /// <exception cref="IccMemoryException">There is no room for layers * S * S numbers.</exception>
    public AttentionCapture(CausalLM model, TapRequest request)
    {
        var layers = model.Config.NumHiddenLayers;
        Request = request with { Layers = request.Layers ?? Enumerable.Range(0, layers).ToArray() };
        _backend = model.Backend;
        _taps = new AttentionTap?[layers];
        Heads = request.PerHead ? model.Config.NumAttentionHeads : 1;
        TokenSpan[] spans = [.. request.Spans];
        int[] singles = [.. request.Singles];
        AttentionTap.Validate(spans, singles);
        foreach (var layer in Request.Layers)
        {
            if (layer < 0 || layer >= layers)
            {
                throw new IccArgumentException($"layer {layer}: expected 0 to {layers - 1}");
            }
            _taps[layer] = new AttentionTap(
                spans, singles, request.PerHead, Room(spans.Length, spans.Length), Room(singles.Length, spans.Length),
                Room(singles.Length, singles.Length));
        }
        LastLayer = Request.Layers.Count == 0 ? -1 : Request.Layers.Max();
    }

    /// <summary>What was asked for, with the layers written out.</summary>
    public TapRequest Request { get; }

    /// <summary>1, or the number of heads where they are kept apart.</summary>
    public int Heads { get; }

    /// <summary>Highest tapped layer.</summary>
    public int LastLayer { get; }

    /// <summary>A_II of a layer, where the backend has it: [S, S], or [heads, S, S]; empty without spans.</summary>
    public Tensor SpanToSpan(int layer) => Tap(layer).SpanToSpan;

    /// <summary>A_OI of a layer: [O, S], or [heads, O, S]; empty without singles or spans.</summary>
    public Tensor SingleToSpan(int layer) => Tap(layer).SingleToSpan;

    /// <summary>A_OO of a layer: [O, O], or [heads, O, O]; empty without singles.</summary>
    public Tensor SingleToSingle(int layer) => Tap(layer).SingleToSingle;

    /// <summary>Copies one of the tensors to the host.</summary>
    public float[] Read(Tensor tensor)
    {
        var values = new float[tensor.IsEmpty ? 0 : tensor.Shape.Elements];
        if (values.Length > 0)
        {
            _backend.Read(tensor, values);
        }
        return values;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var tap in _taps)
        {
            tap?.SpanToSpan.Buffer?.Dispose();
            tap?.SingleToSpan.Buffer?.Dispose();
            tap?.SingleToSingle.Buffer?.Dispose();
        }
    }

    /// <summary>The tap of a layer, or null where none is wanted.</summary>
    internal AttentionTap? At(int layer) => _taps[layer];

    private AttentionTap Tap(int layer) =>
        (layer >= 0 && layer < _taps.Length ? _taps[layer] : null)
        ?? throw new IccArgumentException($"layer {layer} was not tapped; expected one of {string.Join(", ", Request.Layers!)}");

    private Tensor Room(int rows, int columns) => rows == 0 || columns == 0
        ? default
        : _backend.Allocate(Request.PerHead ? new Shape(Heads, rows, columns) : new Shape(rows, columns));
}
