using IccEngine.Core;

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
    private readonly AffinityForm _form;
    private readonly Dictionary<(int Layer, int? Head), Tensor> _sums = [];

    /// <summary>Makes room, where all maps together are not too large; else there are none.</summary>
    /// <param name="backend">Where.</param>
    /// <param name="points">Number of points n.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="heads">Heads that are kept apart; null: their mean is taken.</param>
    /// <param name="form">How attention becomes an affinity.</param>
    /// <exception cref="IccMemoryException">There is no room.</exception>
    public AttentionMaps(IBackend backend, int points, int layers, int? heads, AffinityForm form)
    {
        (_backend, _form) = (backend, form);
        if (!Fits(points, (long)layers * (heads ?? 1)))
        {
            return;
        }
        Layers = [.. Enumerable.Range(0, layers)];
        try
        {
            foreach (var layer in Layers)
            {
                for (var head = 0; head < (heads ?? 1); head++)
                {
                    _sums.Add((layer, heads is null ? null : head), backend.Allocate(new Shape(points, points), DType.F64));
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
    /// <param name="pooled">Attention of a layer: [s, s], or [heads, s, s] where heads are kept apart.</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    public void Add(Func<int, Tensor> pooled, ReadOnlySpan<int> order)
    {
        foreach (var ((layer, head), sums) in _sums)
        {
            _backend.AddAffinity(head is { } h ? pooled(layer).Row(h) : pooled(layer), order, sums, _form);
        }
    }

    /// <summary>The maps, by layer and head.</summary>
    public AttentionMap[] Read() => [.. _sums.Select(entry =>
    {
        var affinity = new double[entry.Value.Shape.Elements];
        _backend.MeanAffinity(entry.Value, _form);
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
