using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The affinities of the layers that are read, where the backend has them: one of them all, and those of each where layers are compared.</summary>
internal sealed class LayerAffinities : IDisposable
{
    private readonly IBackend _backend;
    private readonly LayerSelection _selection;
    private readonly AffinityForm _form;
    private readonly int[] _together;
    private readonly Tensor _sums;
    private readonly Dictionary<int, ScoredAffinity> _apart = [];

    /// <summary>Makes room.</summary>
    /// <param name="backend">Where.</param>
    /// <param name="points">Number of points n.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="selection">Which are read.</param>
    /// <param name="scores">Whether all layers are compared in any case.</param>
    /// <param name="form">How attention becomes an affinity.</param>
    /// <exception cref="IccArgumentException">A layer that is not there.</exception>
    /// <exception cref="IccMemoryException">There is no room for n x n float64, three times for each layer that is compared.</exception>
    public LayerAffinities(IBackend backend, int points, int layers, LayerSelection selection, bool scores, AffinityForm form)
    {
        (_backend, _selection, _form) = (backend, selection, form);
        _together = selection.IsAuto ? [] : selection.Of(layers);
        int[] apart = selection.IsAuto || scores ? [.. Enumerable.Range(0, layers)] : [];
        Layers = [.. _together.Union(apart).Order()];
        try
        {
            Array.ForEach(apart, layer => _apart.Add(layer, new ScoredAffinity(backend, points, form)));
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

    /// <summary>Whether layers are compared.</summary>
    public bool AreCompared => _apart.Count > 0;

    /// <summary>Adds the attention of a prompt.</summary>
    /// <param name="pooled">[s, s] of a layer.</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    /// <param name="prompt">Number of the prompt.</param>
    /// <param name="forScoresOnly">Whether it is there to compare layers by, and the labels are not to depend on it.</param>
    public void Add(Func<int, Tensor> pooled, ReadOnlySpan<int> order, int prompt, bool forScoresOnly)
    {
        foreach (var layer in forScoresOnly ? [] : _together)
        {
            _backend.AddAffinity(pooled(layer), order, _sums, _form);
        }
        foreach (var (layer, affinity) in _apart)
        {
            affinity.Add(pooled(layer), order, prompt, forScoresOnly);
        }
    }

    /// <summary>Clusters the points, and scores the layers where they are compared. The affinities are used up.</summary>
    /// <param name="spectral">How.</param>
    /// <param name="copy">[n, n]: takes the affinity that the labels are of; null: not wanted.</param>
    /// <param name="scored">Whether the affinity that the labels are of is scored.</param>
    public (SpectralClusteringResult Found, LayerSelection Layers, LayerScore[] LayerScores, AffinityScores? Scores) Cluster(
        SpectralClustering spectral, double[]? copy, bool scored)
    {
        var (scores, best, chosen) = (new List<LayerScore>(), (SpectralClusteringResult?)null, _selection);
        var bestScore = (AffinityScores?)null;
        foreach (var (layer, sums) in _apart)
        {
            var affinity = _selection.IsAuto && copy is not null ? new double[copy.Length] : null;
            var (found, score) = sums.Cluster(spectral, affinity, layer, null);
            scores.Add(score);
            if (_selection.IsAuto && (best is null || score.Score > scores[chosen.First].Score))
            {
                (best, bestScore, chosen) = (found, new AffinityScores(score.Eigengap, score.Modularity, score.Silhouette), layer);
                affinity?.CopyTo(copy!, 0);
            }
        }
        if (best is not null)
        {
            return (best, chosen, [.. scores], bestScore);
        }
        _backend.MeanAffinity(_sums, _form);
        if (copy is not null)
        {
            _backend.Read(_sums, copy);
        }
        var together = spectral.FitPredict(_backend, _sums);
        return (together, _selection, [.. scores], scored ? AffinityScores.Of(_backend, _sums, together) : null);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _sums.Buffer?.Dispose();
        foreach (var affinity in _apart.Values)
        {
            affinity.Dispose();
        }
    }
}
