namespace IccEngine.Core;

/// <summary>A half-open range of token positions in one sequence: the tokens of one point.</summary>
/// <param name="Start">First token.</param>
/// <param name="End">One past the last token.</param>
public readonly record struct TokenSpan(int Start, int End)
{
    /// <summary>Number of tokens.</summary>
    public int Length => End - Start;
}
