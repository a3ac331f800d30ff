using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>How a text is continued.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens of each sample at most.</summary>
    public int MaxNewTokens { get; init; } = 256;

    /// <summary>Ids that end a sample; the one that does is given too.</summary>
    public IReadOnlyCollection<int> StopIds { get; init; } = [];

    /// <summary>How tokens are drawn; greedy by default.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

    /// <summary>Seed: the numbers of a sample depend on it, the sample's place and the token's alone.</summary>
    public long Seed { get; init; }

    /// <summary>Continuations of the one prompt.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>Whether the probabilities of the tokens are wanted.</summary>
    public bool LogProbabilities { get; init; }
}

/// <summary>A token that was chosen.</summary>
/// <param name="Sample">Which of the continuations it belongs to, from 0.</param>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Natural logarithm of its probability at temperature 1; NaN where it was not asked for.</param>
public readonly record struct GeneratedToken(int Sample, int Id, double LogProbability);
