namespace IccEngine.Clustering;

/// <summary>Eigenvalues of a symmetric matrix with their unit eigenvectors.</summary>
/// <param name="Values">The k eigenvalues.</param>
/// <param name="Vectors">[k, n] row-major: row j is the eigenvector of <c>Values[j]</c>; the rows are orthonormal, their signs arbitrary.</param>
public sealed record EigenPairs(double[] Values, double[] Vectors);
