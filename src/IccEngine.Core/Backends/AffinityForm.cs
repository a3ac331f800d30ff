namespace IccEngine.Core;

/// <summary>
/// How pooled attention becomes an affinity (<see cref="IBackend.AddAffinity"/>, <see cref="IBackend.MeanAffinity"/>). The default is that
/// of the paper "In-Context Clustering with Large Language Models".
/// </summary>
public readonly record struct AffinityForm
{
    /// <summary>
    /// Rows are read whole but for the diagonal, not only below it: for attention to all points, as of the tokens of an answer. A pair then
    /// meets twice in a prompt.
    /// </summary>
    public bool WholeRows { get; init; }

    /// <summary>Entries are the attention itself, not relative to looking at all points alike.</summary>
    public bool Absolute { get; init; }

    /// <summary>
    /// The mean over the meetings of a pair is the power mean of exponent 1/4, (1/m sum x^(1/4))^4, not the arithmetic one. It is near
    /// the geometric mean, defined for zeros, and the entry itself for a single meeting.
    /// </summary>
    public bool PowerMean { get; init; }
}
