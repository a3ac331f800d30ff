using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>A range of batch rows that share one adapter.</summary>
/// <param name="First">First row of the batch.</param>
/// <param name="Count">Number of rows.</param>
/// <param name="Adapter">Their adapter, or null.</param>
internal readonly record struct AdapterRun(int First, int Count, LoraAdapter? Adapter);

/// <summary>
/// What a forward pass works in: tensors for the largest batch, cut from one arena before the first token, and what the layers need to
/// know of the batch at hand.
/// </summary>
internal sealed class ForwardState : IDisposable
{
    private readonly Arena _arena;

    public ForwardState(IBackend backend, ModelConfig config, KvCache cache, int maxRows, int loraRank)
    {
        (Backend, Config, Cache, MaxRows) = (backend, config, cache, maxRows);
        var (heads, kvHeads, headDim) = (config.NumAttentionHeads, config.NumKeyValueHeads, config.HeadDim);
        long perRow = 2L * config.HiddenSize + (2L * heads + 2 * kvHeads + 1) * headDim + 2L * config.IntermediateSize + loraRank;
        const int tensors = 12, padding = 16;
        _arena = new Arena(backend, perRow * maxRows + tensors * padding);
        Hidden = _arena.Take(new Shape(maxRows, config.HiddenSize));
        Normed = _arena.Take(new Shape(maxRows, config.HiddenSize));
        Query = _arena.Take(new Shape(maxRows, heads, headDim));
        Key = _arena.Take(new Shape(maxRows, kvHeads, headDim));
        Value = _arena.Take(new Shape(maxRows, kvHeads, headDim));
        Attended = _arena.Take(new Shape(maxRows, heads, headDim));
        Cos = _arena.Take(new Shape(maxRows, headDim / 2));
        Sin = _arena.Take(new Shape(maxRows, headDim / 2));
        Gate = _arena.Take(new Shape(maxRows, config.IntermediateSize));
        Up = _arena.Take(new Shape(maxRows, config.IntermediateSize));
        LowRank = loraRank == 0 ? default : _arena.Take(new Shape(maxRows * loraRank));
    }

    public IBackend Backend { get; }

    public ModelConfig Config { get; }

    public KvCache Cache { get; }

    public int MaxRows { get; }

    /// <summary>Residual stream [maxRows, hidden].</summary>
    public Tensor Hidden { get; }

    /// <summary>Its norm [maxRows, hidden].</summary>
    public Tensor Normed { get; }

    /// <summary>[maxRows, heads, headDim]</summary>
    public Tensor Query { get; }

    /// <summary>[maxRows, kvHeads, headDim]</summary>
    public Tensor Key { get; }

    /// <summary>[maxRows, kvHeads, headDim]</summary>
    public Tensor Value { get; }

    /// <summary>Attention's output [maxRows, heads, headDim].</summary>
    public Tensor Attended { get; }

    /// <summary>[maxRows, headDim / 2]</summary>
    public Tensor Cos { get; }

    /// <summary>[maxRows, headDim / 2]</summary>
    public Tensor Sin { get; }

    /// <summary>[maxRows, intermediate]</summary>
    public Tensor Gate { get; }

    /// <summary>[maxRows, intermediate]</summary>
    public Tensor Up { get; }

    /// <summary>Room for x A^T of an adapter [maxRows * largest rank]; empty where no adapter was planned for.</summary>
    public Tensor LowRank { get; }

    /// <summary>Rows of the batch at hand, by adapter, in order and without gaps.</summary>
    public List<AdapterRun> Adapters { get; } = [];

    public void Dispose() => _arena.Dispose();
}
