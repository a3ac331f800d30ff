namespace IccEngine.InContext;

/// <summary>What a method says of one episode.</summary>
/// <param name="Labels">[n].</param>
/// <param name="Tokens">Tokens that went through a model.</param>
/// <param name="Unparsed">Answers of a model that could not be read; where none could, every label is -1.</param>
/// <param name="Confidence">[n], each in 0 to 1: how likely it is that the label is right; or null.</param>
public sealed record EvaluationAnswer(int[] Labels, long Tokens = 0, int Unparsed = 0, double[]? Confidence = null)
{
    /// <summary>The number of clusters that the method estimated; null where it was told.</summary>
    public int? Clusters { get; init; }
}

/// <summary>A method under evaluation.</summary>
/// <param name="Name">Its name in results; no two methods of a run share one.</param>
/// <param name="Cluster">Clusters points into so many clusters; where it estimates the number, it does not look at the one given.</param>
public sealed record EvaluationMethod(string Name, Func<PointSet, int, CancellationToken, EvaluationAnswer> Cluster)
{
    /// <summary>
    /// Answers that its confidence comes of: where above 0, the confidence is not calibrated, and the curve that does so is fitted
    /// (<see cref="MethodScores.Calibration"/>).
    /// </summary>
    public int CalibratedAnswers { get; init; }
}
