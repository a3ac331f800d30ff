namespace IccEngine.InContext;

/// <summary>What a method says of one episode.</summary>
/// <param name="Labels">[n].</param>
/// <param name="Tokens">Tokens that went through a model.</param>
/// <param name="Parsed">Whether the answer could be read; where not, the labels are what is made of an empty one.</param>
public sealed record EvaluationAnswer(int[] Labels, long Tokens = 0, bool Parsed = true);

/// <summary>A method under evaluation.</summary>
/// <param name="Name">Its name in results; no two methods of a run share one.</param>
/// <param name="Cluster">Clusters points into so many clusters.</param>
public sealed record EvaluationMethod(string Name, Func<PointSet, int, CancellationToken, EvaluationAnswer> Cluster);
