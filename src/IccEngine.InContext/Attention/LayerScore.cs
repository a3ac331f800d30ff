namespace IccEngine.InContext;

/// <summary>How clearly the attention of a layer shows clusters, by what was found in it and without the true ones.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Head">The head, where one is scored by itself; null: the mean over the heads, or the one head that is read.</param>
/// <param name="Reproducibility">
/// Correlation of the affinity over every second order of the points with that over the others (<see cref="Clustering.AffinityCorrelation"/>).
/// Attention that goes by what points are comes back in another order; attention that goes by where they stand does not.
/// </param>
/// <param name="Eigengap">See <see cref="Clustering.AffinityScores"/>.</param>
/// <param name="Modularity">See <see cref="Clustering.AffinityScores"/>.</param>
/// <param name="Silhouette">See <see cref="Clustering.AffinityScores"/>.</param>
public sealed record LayerScore(int Layer, int? Head, double Reproducibility, double Eigengap, double Modularity, double Silhouette)
{
    /// <summary>
    /// What <see cref="LayerSelection.Auto"/> goes by: the layer with the largest is taken. It is the reproducibility alone: no weights for
    /// the other three beside it did better on generated episodes (docs/evaluation.md), and it has no constants to be fitted.
    /// </summary>
    public double Score => Reproducibility;
}
