using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>Rows that a forward pass hands over while it runs; the tensor is valid during the call only.</summary>
/// <param name="Input">Index of the sequence among the inputs.</param>
/// <param name="FirstPosition">Position of the first row in its sequence.</param>
/// <param name="Name">"embed", "layer0", .., "final_norm", or "logits".</param>
/// <param name="Rows">[rows, hidden], or [rows, vocab].</param>
public readonly record struct RowsReport(int Input, int FirstPosition, string Name, Tensor Rows);

/// <summary>A tile of an attention map; the tensor is valid during the call only.</summary>
/// <param name="Input">Index of the sequence among the inputs.</param>
/// <param name="Layer">Layer.</param>
/// <param name="Head">Query head.</param>
/// <param name="FirstPosition">Position of the first query row.</param>
/// <param name="Probabilities">[rows, tokens seen so far]; keys beyond them have probability 0.</param>
public readonly record struct AttentionReport(int Input, int Layer, int Head, int FirstPosition, Tensor Probabilities);

/// <summary>What a forward pass hands over on its way; nothing by default.</summary>
public sealed record ForwardOptions
{
    /// <summary>Called with the residual stream after the embedding and after every layer, and with the final norm.</summary>
    public Action<RowsReport>? OnHidden { get; init; }

    /// <summary>Called with the logits of sequences that want all of them, in tiles of rows.</summary>
    public Action<RowsReport>? OnLogits { get; init; }

    /// <summary>Called with the attention maps of <see cref="Maps"/>, in tiles of query rows.</summary>
    public Action<AttentionReport>? OnAttention { get; init; }

    /// <summary>The maps that are wanted: a layer and one head, or all heads (null).</summary>
    public IReadOnlyList<(int Layer, int? Head)> Maps { get; init; } = [];

    /// <summary>Called after every batch with the tokens done and the tokens in all.</summary>
    public Action<long, long>? OnProgress { get; init; }
}
