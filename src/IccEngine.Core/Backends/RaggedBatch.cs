namespace IccEngine.Core;

/// <summary>The rows of one sequence in a ragged batch.</summary>
/// <param name="FirstRow">First row of the batch's tensors that belongs to this sequence.</param>
/// <param name="RowCount">New tokens of this sequence in the batch, at least 1.</param>
/// <param name="Start">Position of the first new token: the tokens that the cache holds already.</param>
/// <param name="Pages">Page table: position p lies in page Pages[p / PageTokens], for all positions below Start + RowCount.</param>
/// <param name="Tap">Pooled attention that is wanted of this sequence, or null.</param>
public readonly record struct SequenceRows(int FirstRow, int RowCount, int Start, ReadOnlyMemory<int> Pages, AttentionTap? Tap = null)
{
    /// <summary>Tokens of the sequence once this batch is in the cache.</summary>
    public int Length => Start + RowCount;
}

/// <summary>Which keys a query may see.</summary>
/// <param name="Causal">Only keys at or before the query's position; else all keys of the sequence.</param>
/// <param name="Window">
/// Key j is seen by query i only if j > i - Window (the window includes the token itself); null: no window. Needs <paramref name="Causal"/>.
/// </param>
public readonly record struct AttentionMask(bool Causal, int? Window)
{
    /// <summary>First position that the query at <paramref name="position"/> sees.</summary>
    public int FirstKey(int position) => Window is { } w ? Math.Max(0, position - w + 1) : 0;

    /// <summary>One past the last position that the query sees, in a sequence of <paramref name="length"/> tokens.</summary>
    public int EndKey(int position, int length) => Causal ? Math.Min(position + 1, length) : length;
}
