namespace IccEngine;

/// <summary>A text that a model wrote.</summary>
/// <param name="Text">The text, without special tokens.</param>
/// <param name="Ids">Its tokens, the one that ended it included.</param>
/// <param name="LogProbabilities">Natural logarithm of each token's probability, given those before it, at temperature 1.</param>
public sealed record GeneratedText(string Text, IReadOnlyList<int> Ids, IReadOnlyList<double> LogProbabilities);
