using System.Text.Json;

namespace IccEngine.InContext;

/// <summary>What results depend on besides the episode and the method: two runs whose settings are equal may share a file.</summary>
/// <param name="Data">The episodes: <see cref="EvaluationData.Description"/>.</param>
/// <param name="Model">The model.</param>
/// <param name="Adapter">The adapter on it, or null.</param>
/// <param name="Permutations">Orders over which attention is averaged; null: the model's own choice.</param>
/// <param name="Device">Where it is computed, and in which type.</param>
/// <param name="Seed">Seed of the methods.</param>
/// <param name="RawConfidence">Whether confidence is given as it is, not calibrated.</param>
public sealed record EvaluationSetting(
    string Data, string Model, string? Adapter, int? Permutations, string Device, long Seed, bool RawConfidence = false)
{
    /// <summary>From which to which number of clusters the methods estimate it, like 2..5; null: they are told.</summary>
    public string? Clusters { get; init; }
}

/// <summary>One method on one episode, in one order of its points: a line of a results file.</summary>
/// <param name="Method">The method.</param>
/// <param name="Episode">Number of the episode.</param>
/// <param name="Order">Number of the order of its points; 0 where there is only one.</param>
/// <param name="Cell">The cell of the episode.</param>
/// <param name="Points">Number of points n.</param>
/// <param name="Accuracy">Share of the points that the best one-to-one matching of clusters gets right.</param>
/// <param name="Ari">Adjusted Rand index.</param>
/// <param name="Nmi">Normalised mutual information, arithmetic mean.</param>
/// <param name="Unparsed">Answers of a model that could not be read.</param>
/// <param name="Seconds">Time that it took.</param>
/// <param name="Tokens">Tokens that went through a model.</param>
/// <param name="Failure">Why the method gave no labels, in which case there are no scores; else null.</param>
/// <param name="Confidence">[n], each in 0 to 1: how likely the method says it is that a point is right; or null.</param>
/// <param name="Correct">[n], whether a point is right by the best one-to-one matching; null where there is no confidence.</param>
public sealed record EvaluationRecord(
    string Method, long Episode, int Order, EvaluationCell Cell, int Points, double Accuracy, double Ari, double Nmi, int Unparsed, double Seconds,
    long Tokens, string? Failure, double[]? Confidence, bool[]? Correct)
{
    /// <summary>The number of clusters that the method estimated; null where it was told, or gave no labels.</summary>
    public int? Clusters { get; init; }

    /// <summary>Names of properties in files.</summary>
    internal static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
    };

    /// <summary>Whether the numbers can be what they say they are.</summary>
    internal bool IsSound => Episode >= 0 && Order >= 0 && Points > 0 && Tokens >= 0 && Seconds >= 0
        && Accuracy is >= 0 and <= 1 && Ari is >= -1 and <= 1 && Nmi is >= 0 and <= 1 && Unparsed >= 0 && (Clusters is null or >= 0)
        && (Confidence is null) == (Correct is null)
        && (Confidence is null || (Confidence.Length == Points && Correct!.Length == Points && Confidence.All(c => c is >= 0 and <= 1)));
}
