using System.Collections.Immutable;

namespace IccEngine.InContext;

/// <summary>Where in an answer a text ends.</summary>
/// <param name="Label">Labels that are finished: the index of the one that comes next or is being written.</param>
/// <param name="Offset">Characters that are written of the text before that label.</param>
/// <param name="Digits">The number that its digits make so far; -1 before the first.</param>
/// <param name="Opened">Different labels that occur so far, where that matters; else 0.</param>
/// <param name="Used">Which ones, where that is not known from their number and matters; else null.</param>
internal readonly record struct AnswerState(int Label, int Offset, int Digits, int Opened, ImmutableHashSet<int>? Used);
