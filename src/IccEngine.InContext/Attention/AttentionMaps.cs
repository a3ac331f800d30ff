using IccEngine.Core;
using IccEngine.Models;

namespace IccEngine.InContext;

/// <summary>The affinity of one layer, for the eye.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Head">The query head; null: the mean over all.</param>
/// <param name="Affinity">[n, n], symmetric, zero diagonal: attention relative to uniform attention, averaged over the prompts.</param>
public sealed record AttentionMap(int Layer, int? Head, double[] Affinity);

/// <summary>
/// The affinities of all layers, and of all heads where these are kept apart, gathered beside those that are clustered, which they do not
/// touch.
/// </summary>
internal sealed class AttentionMaps : IDisposable
{
    /// <summary>Most numbers of all maps together.</summary>
    private const long MostNumbers = 1 << 24;

    private readonly IBackend _backend;
    private readonly Dictionary<(int Layer, int? Head), Tensor> _sums = [];

    /// <summary>Makes room, where all maps together are not too large; else there are none.</summary>
    /// <param name="model">The model.</param>
    /// <param name="points">Number of points n.</param>
    /// <param name="perHead">Whether heads are kept apart.</param>
    /// <exception cref="IccMemoryException">There is no room.</exception>
    public AttentionMaps(CausalLM model, int points, bool perHead)
    {
        _backend = model.Backend;
        var (layers, heads) = (model.Config.NumHiddenLayers, perHead ? model.Config.NumAttentionHeads : 1);
        if (!Fits(points, (long)layers * heads))
        {
            return;
        }
        Layers = [.. Enumerable.Range(0, layers)];
        try
        {
            foreach (var layer in Layers)
            {
                for (var head = 0; head < heads; head++)
                {
                    _sums.Add((layer, perHead ? head : null), _backend.Allocate(new Shape(points, points), DType.F64));
                }
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The layers to be tapped.</summary>
    public int[] Layers { get; } = [];

    /// <summary>Whether so many maps of n points are worth their memory.</summary>
    public static bool Fits(int points, long maps = 1) => (long)points * points * maps <= MostNumbers;

    /// <summary>Adds the attention of a prompt.</summary>
    /// <param name="capture">What was captured of it.</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    public void Add(AttentionCapture capture, ReadOnlySpan<int> order)
    {
        foreach (var ((layer, head), sums) in _sums)
        {
            var pooled = capture.SpanToSpan(layer);
            _backend.AddAffinity(head is { } h ? pooled.Row(h) : pooled, order, sums);
        }
    }

    /// <summary>The maps, by layer and head.</summary>
    public AttentionMap[] Read() => [.. _sums.Select(entry =>
    {
        var affinity = new double[entry.Value.Shape.Elements];
        _backend.MeanAffinity(entry.Value);
        _backend.Read(entry.Value, affinity);
        return new AttentionMap(entry.Key.Layer, entry.Key.Head, affinity);
    })];

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var sums in _sums.Values)
        {
            sums.Buffer.Dispose();
        }
    }
}
