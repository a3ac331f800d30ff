using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>The affinity of one layer or head with those over the even and over the odd prompts, by which it is scored.</summary>
internal sealed class ScoredAffinity : IDisposable
{
    private readonly IBackend _backend;
    private readonly AffinityForm _form;
    private readonly Tensor[] _sums = new Tensor[3]; // all prompts, the even ones, the odd ones

    /// <summary>Makes room.</summary>
    /// <exception cref="IccMemoryException">There is none for 3 n x n float64.</exception>
    public ScoredAffinity(IBackend backend, int points, AffinityForm form)
    {
        (_backend, _form) = (backend, form);
        try
        {
            for (var i = 0; i < _sums.Length; i++)
            {
                _sums[i] = backend.Allocate(new Shape(points, points), DType.F64);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Adds the attention of a prompt.</summary>
    /// <param name="pooled">[s, s]</param>
    /// <param name="order">[s], which point stands where in the prompt.</param>
    /// <param name="prompt">Number of the prompt.</param>
    /// <param name="forScoresOnly">Whether the labels are not to depend on it.</param>
    public void Add(Tensor pooled, ReadOnlySpan<int> order, int prompt, bool forScoresOnly)
    {
        if (!forScoresOnly)
        {
            _backend.AddAffinity(pooled, order, _sums[0], _form);
        }
        _backend.AddAffinity(pooled, order, _sums[1 + prompt % 2], _form);
    }

    /// <summary>Clusters the points by what all prompts gave, and scores it. The affinities are used up.</summary>
    /// <param name="spectral">How.</param>
    /// <param name="copy">[n, n]: takes the affinity; null: not wanted.</param>
    /// <param name="layer">For the score.</param>
    /// <param name="head">For the score.</param>
    public (SpectralClusteringResult Found, LayerScore Score) Cluster(SpectralClustering spectral, double[]? copy, int layer, int? head)
    {
        Array.ForEach(_sums, sums => _backend.MeanAffinity(sums, _form));
        var reproducibility = AffinityCorrelation.Of(_backend, _sums[1], _sums[2]);
        if (copy is not null)
        {
            _backend.Read(_sums[0], copy);
        }
        var found = spectral.FitPredict(_backend, _sums[0]);
        var score = AffinityScores.Of(_backend, _sums[0], found);
        return (found, new LayerScore(layer, head, reproducibility, score.Eigengap, score.Modularity, score.Silhouette));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => Array.ForEach(_sums, sums => sums.Buffer?.Dispose());
}
