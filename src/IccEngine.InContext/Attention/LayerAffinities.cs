using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The affinities of the layers that are read, where the backend has them: one of them all, and one of each where layers are compared.</summary>
internal sealed class LayerAffinities : IDisposable
{
    private readonly IBackend _backend;
    private readonly LayerSelection _selection;
    private readonly int[] _together;
    private readonly Tensor _sums;
    private readonly Dictionary<int, Tensor> _apart = [];

    /// <summary>Makes room.</summary>
    /// <param name="backend">Where.</param>
    /// <param name="points">Number of points n.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="selection">Which are read.</param>
    /// <param name="scores">Whether all layers are compared in any case.</param>
    /// <exception cref="IccArgumentException">A layer that is not there.</exception>
    /// <exception cref="IccMemoryException">There is no room for n x n float64 a layer.</exception>
    public LayerAffinities(IBackend backend, int points, int layers, LayerSelection selection, bool scores)
    {
        (_backend, _selection, _together) = (backend, selection, selection.IsAuto ? [] : selection.Of(layers));
        int[] apart = selection.IsAuto || scores ? [.. Enumerable.Range(0, layers)] : [];
        Layers = [.. _together.Union(apart).Order()];
        try
        {
            Array.ForEach(apart, layer => _apart.Add(layer, backend.Allocate(new Shape(points, points), DType.F64)));
            _sums = selection.IsAuto ? default : backend.Allocate(new Shape(points, points), DType.F64);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The layers to be tapped, ascending.</summary>
    public int[] Layers { get; }

    /// <summary>Adds the attention of a prompt.</summary>
    /// <param name="pooled">A_II [s, s] of a layer.</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    public void Add(Func<int, Tensor> pooled, ReadOnlySpan<int> order)
    {
        foreach (var layer in _together)
        {
            _backend.AddAffinity(pooled(layer), order, _sums);
        }
        foreach (var (layer, sums) in _apart)
        {
            _backend.AddAffinity(pooled(layer), order, sums);
        }
    }

    /// <summary>Clusters the points, and scores the layers where they are compared. The affinities are used up.</summary>
    /// <param name="spectral">How.</param>
    /// <param name="copy">[n, n]: takes the affinity that the labels are of; null: not wanted.</param>
    public (SpectralClusteringResult Found, LayerSelection Layers, LayerScore[] Scores) Cluster(SpectralClustering spectral, double[]? copy)
    {
        var (scores, best, chosen) = (new List<LayerScore>(), (SpectralClusteringResult?)null, _selection);
        foreach (var (layer, sums) in _apart)
        {
            _backend.MeanAffinity(sums);
            var affinity = _selection.IsAuto && copy is not null ? new double[copy.Length] : null;
            var found = Fit(spectral, sums, affinity);
            var score = AffinityScores.Of(_backend, sums, found);
            scores.Add(new LayerScore(layer, score.Eigengap, score.Modularity, score.Silhouette));
            if (_selection.IsAuto && (best is null || scores[^1].Score > scores[chosen.First].Score))
            {
                (best, chosen) = (found, layer);
                affinity?.CopyTo(copy!, 0);
            }
        }
        if (best is not null)
        {
            return (best, chosen, [.. scores]);
        }
        _backend.MeanAffinity(_sums);
        return (Fit(spectral, _sums, copy), _selection, [.. scores]);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _sums.Buffer?.Dispose();
        foreach (var sums in _apart.Values)
        {
            sums.Buffer.Dispose();
        }
    }

    private SpectralClusteringResult Fit(SpectralClustering spectral, Tensor affinity, double[]? copy)
    {
        if (copy is not null)
        {
            _backend.Read(affinity, copy);
        }
        return spectral.FitPredict(_backend, affinity);
    }
}
