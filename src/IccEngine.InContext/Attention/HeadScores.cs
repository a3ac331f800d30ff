using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>Scores of all heads of all layers, each by itself.</summary>
internal sealed class HeadScores : IDisposable
{
    private const long MostNumbers = 1L << 27; // 1 GiB of float64
    private readonly ScoredAffinity[,] _heads;

    /// <summary>Makes room.</summary>
    /// <exception cref="IccMemoryException">There is none for 3 n x n float64 a head.</exception>
    public HeadScores(IBackend backend, int points, int layers, int heads, AffinityForm form)
    {
        _heads = new ScoredAffinity[layers, heads];
        try
        {
            for (var i = 0; i < layers * heads; i++)
            {
                _heads[i / heads, i % heads] = new ScoredAffinity(backend, points, form);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether so many points are few enough for it.</summary>
    public static bool AreFor(int points, int layers, int heads) => 3L * points * points * layers * heads <= MostNumbers;

    /// <summary>Adds the attention of a prompt.</summary>
    /// <param name="pooled">[heads, s, s] of a layer.</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    /// <param name="prompt">Number of the prompt.</param>
    /// <param name="forScoresOnly">Whether the labels are not to depend on it.</param>
    public void Add(Func<int, Tensor> pooled, ReadOnlySpan<int> order, int prompt, bool forScoresOnly)
    {
        for (var layer = 0; layer < _heads.GetLength(0); layer++)
        {
            for (var head = 0; head < _heads.GetLength(1); head++)
            {
                _heads[layer, head].Add(pooled(layer).Row(head), order, prompt, forScoresOnly);
            }
        }
    }

    /// <summary>The scores, by layer and head. The affinities are used up.</summary>
    public IEnumerable<LayerScore> Score(SpectralClustering spectral) =>
        from layer in Enumerable.Range(0, _heads.GetLength(0))
        from head in Enumerable.Range(0, _heads.GetLength(1))
        select _heads[layer, head].Cluster(spectral, null, layer, head).Score;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (var head in _heads)
        {
            head?.Dispose();
        }
    }
}
