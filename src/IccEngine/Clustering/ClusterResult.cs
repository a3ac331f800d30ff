namespace IccEngine;

/// <summary>What one method found.</summary>
/// <param name="Method">The method's name: attention, generate, or that of an estimator.</param>
/// <param name="Layer">Layer whose attention was read; null for the other methods.</param>
/// <param name="Labels">Cluster of every point [n], numbered by first appearance; -1 for noise, from methods that know of noise.</param>
/// <param name="Seconds">Time that it took.</param>
/// <param name="Affinity">[n, n] affinity between the points, where <see cref="ClusterOptions.ReturnAffinity"/> asked for it; else null.</param>
/// <param name="Eigenvalues">Smallest eigenvalues of its normalised Laplacian, or null.</param>
public sealed record MethodResult(
    string Method, int? Layer, int[] Labels, double Seconds, double[]? Affinity = null, double[]? Eigenvalues = null);

/// <summary>A clustering.</summary>
/// <param name="Results">One entry a method.</param>
/// <param name="Remarks">What the user should know: reduced features, sizes that the model was not trained for, a disconnected graph.</param>
public sealed record ClusterResult(IReadOnlyList<MethodResult> Results, IReadOnlyList<string> Remarks)
{
    /// <summary>Labels of the first method [n].</summary>
    public int[] Labels => Results[0].Labels;
}
