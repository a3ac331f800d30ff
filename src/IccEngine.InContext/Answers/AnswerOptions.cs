using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>What a model may answer.</summary>
public enum AnswerDecoding
{
    /// <summary>Legal answers only: n labels, each from 0 to k - 1.</summary>
    Constrained,
    /// <summary>
    /// Whatever it says, which is read afterwards as the original of the paper does (<see cref="AnswerParser"/>). A model of the echo style
    /// is told the points one after the other, and says whatever it will behind each.
    /// </summary>
    Free,
}

/// <summary>How a model's answer is chosen.</summary>
public sealed record AnswerOptions
{
    internal const int MostAnswers = 4096;

    /// <summary>What the model may answer.</summary>
    public AnswerDecoding Decoding { get; init; }

    /// <summary>
    /// Tokens of a free answer at most; null: the characters of the longest legal answer and 64 more. An answer in the echo style always has one
    /// a point.
    /// </summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>How tokens are drawn; greedy by default.</summary>
    public SamplingOptions Sampling { get; init; } = SamplingOptions.Greedy;

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
        if (Decoding == AnswerDecoding.Free && (Beams > 1 || Canonical is not null || UseAll is not null))
        {
            throw new IccArgumentException("a free answer with beams, canonical or unused labels: these are for constrained answers");
        }
        if (MaxNewTokens is < 1 || (MaxNewTokens is not null && Decoding != AnswerDecoding.Free))
        {
            throw new IccArgumentException($"{MaxNewTokens} new tokens of a {(Decoding == AnswerDecoding.Free ? "free" : "constrained")} answer; expected 1 or more, for a free one");
        }
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
/// <param name="Labels">
/// Label of every point [n], each from 0 to k - 1; of a free answer any number, of a list the rank of its value, or -1 where nothing can be read.
/// </param>
/// <param name="LogProbabilities">
/// [n]: natural logarithm of the probability of every label behind those before it, at temperature 1, among the legal continuations: the sum
/// over the tokens that were chosen for it. A token that decides several labels counts to the first of them. Of a free answer: none, [0].
/// </param>
public sealed record Answer(int[] Labels, double[] LogProbabilities)
{
    /// <summary>The answer as the model saw it; empty where it was put together from others.</summary>
    internal WrittenAnswer Written { get; init; } = new([], []);

    /// <summary>
    /// Natural logarithm of the probability of the whole answer; of a free one among all the texts that the model could write, up to its end
    /// or to where it could be read.
    /// </summary>
    public double LogProbability { get; init; } = LogProbabilities.Sum();

    /// <summary>Whether it could be read; a constrained one always can. Where not, every label is -1.</summary>
    public bool Parsed { get; init; } = true;

    /// <summary>What the model wrote freely, up to where it could be read; null for a constrained answer, and in the echo style.</summary>
    public string? Text { get; init; }
}
