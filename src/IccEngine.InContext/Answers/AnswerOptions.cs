using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>How a model's answer is chosen.</summary>
public sealed record AnswerOptions
{
    internal const int MostAnswers = 4096;

    /// <summary>How tokens are drawn; greedy by default.</summary>
    public SamplingOptions Sampling { get; init; }

    /// <summary>Seed of what is drawn: equal seeds give equal answers.</summary>
    public long Seed { get; init; }

    /// <summary>Answers to each prompt, which goes through the model once.</summary>
    public int Samples { get; init; } = 1;

    /// <summary>
    /// Answers that are followed at one time in a search for the likeliest one; 1: none is. More exclude samples and a temperature.
    /// </summary>
    public int Beams { get; init; } = 1;

    /// <summary>Whether labels must be numbered by first appearance; null: as the model was trained (<see cref="AnswerTemplate.Canonical"/>).</summary>
    public bool? Canonical { get; init; }

    /// <summary>Whether all k labels must occur; null: as the model was trained (<see cref="AnswerTemplate.UsesAll"/>).</summary>
    public bool? UseAll { get; init; }

    /// <summary>Throws where an option is outside its limits.</summary>
    internal void Check()
    {
        if (Samples is < 1 or > MostAnswers)
        {
            throw new IccArgumentException($"{Samples} samples; expected from 1 to {MostAnswers}");
        }
        if (Beams is < 1 or > MostAnswers)
        {
            throw new IccArgumentException($"{Beams} beams; expected from 1 to {MostAnswers}");
        }
        if (Sampling.Problem() is { } problem)
        {
            throw new IccArgumentException(problem);
        }
        if (Beams > 1 && (Samples > 1 || !Sampling.IsGreedy))
        {
            throw new IccArgumentException($"{Beams} beams with {Samples} samples at temperature {Sampling.Temperature}: a beam search gives one answer and draws nothing");
        }
    }
}

/// <summary>A model's answer.</summary>
/// <param name="Labels">Label of every point [n], each from 0 to k - 1.</param>
/// <param name="LogProbabilities">
/// [n]: natural logarithm of the probability of every label behind those before it, at temperature 1, among the legal continuations: the sum
/// over the tokens that were chosen for it. A token that decides several labels counts to the first of them.
/// </param>
public sealed record Answer(int[] Labels, double[] LogProbabilities)
{
    /// <summary>Natural logarithm of the probability of the whole answer.</summary>
    public double LogProbability => LogProbabilities.Sum();
}
