using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>What an adapter does to one module of the base model. The tensors are views of the adapter's file.</summary>
public sealed class LoraModule
{
    internal LoraModule(string name) => Name = name;

    /// <summary>Full name in the base model, as model.layers.0.self_attn.q_proj, model.embed_tokens or lm_head.</summary>
    public string Name { get; }

    /// <summary>Rank of the low-rank update; 0 where there is none.</summary>
    public int Rank { get; internal set; }

    /// <summary>Factor on the low-rank update.</summary>
    public float Scale { get; internal set; }

    /// <summary>[rank, in]: the update of the weight is Scale * B A.</summary>
    public HostTensor? A { get; internal set; }

    /// <summary>[out, rank]</summary>
    public HostTensor? B { get; internal set; }

    /// <summary>[out]: DoRA's magnitude of each row of the weight.</summary>
    public HostTensor? Magnitude { get; internal set; }

    /// <summary>[rank, vocab]: the row of token t gains Scale * EmbeddingB EmbeddingA[:, t].</summary>
    public HostTensor? EmbeddingA { get; internal set; }

    /// <summary>[hidden, rank]</summary>
    public HostTensor? EmbeddingB { get; internal set; }

    /// <summary>Replaces the module's bias.</summary>
    public HostTensor? Bias { get; internal set; }

    /// <summary>Replaces the module's weight, before any update.</summary>
    public HostTensor? SavedWeight { get; internal set; }
}
