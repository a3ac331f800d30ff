namespace IccEngine.Models;

/// <summary>Which logits a forward pass gives for a sequence.</summary>
public enum LogitsWanted
{
    /// <summary>None.</summary>
    None,
    /// <summary>Those after the last token.</summary>
    Last,
    /// <summary>Those after every new token, handed to <see cref="ForwardOptions.OnLogits"/>.</summary>
    All,
}

/// <summary>New tokens of one sequence for a forward pass.</summary>
/// <param name="Sequence">The sequence that they continue.</param>
/// <param name="Tokens">Ids, at least one.</param>
/// <param name="Logits">Which logits are wanted.</param>
/// <param name="Capture">
/// Where pooled attention goes, or null. Where every sequence of a forward pass has one and none wants logits, the pass stops after the
/// last tapped layer, and the sequences can not be continued.
/// </param>
public readonly record struct SequenceInput(
    Sequence Sequence, ReadOnlyMemory<int> Tokens, LogitsWanted Logits = LogitsWanted.Last, AttentionCapture? Capture = null);
