using IccEngine.Core;

namespace IccEngine;

/// <summary>What is measured.</summary>
public enum BenchmarkSubject
{
    /// <summary>Everything below, in their order.</summary>
    All,
    /// <summary>The limits of the processor.</summary>
    Machine,
    /// <summary>Linear layers.</summary>
    Gemm,
    /// <summary>Attention alone, with taps and without.</summary>
    Attention,
    /// <summary>RMSNorm.</summary>
    RmsNorm,
    /// <summary>Rotary embedding and the write to the KV cache.</summary>
    KvCache,
    /// <summary>A whole prompt through the model.</summary>
    Prefill,
    /// <summary>Tokens one after another.</summary>
    Decode,
    /// <summary>What taps add to a prefill.</summary>
    Taps,
    /// <summary>A pass over the weights for a few tokens: of one sequence, and of several.</summary>
    Pass,
    /// <summary>Many episodes as one ragged batch, and one after another.</summary>
    Packed,
    /// <summary>Eigenvectors and spectral clustering of dense matrices.</summary>
    Spectral,
    /// <summary>The first prediction of a process, and the next ones.</summary>
    Startup,
}

/// <summary>What a benchmark runs on and how often.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>Longest prompt, in tokens.</summary>
    public const int MaxTokens = 1 << 20;

    /// <summary>Largest batch.</summary>
    public const int MaxBatch = 4096;

    /// <summary>What is measured.</summary>
    public BenchmarkSubject Subject { get; init; }

    /// <summary>Name of a shape, see <see cref="BenchmarkModel.Shapes"/>; not together with <see cref="Model"/>.</summary>
    public string? Shape { get; init; }

    /// <summary>Folder of a model; null: random weights of the shape.</summary>
    public string? Model { get; init; }

    /// <summary>Type of random weights, one of <see cref="BenchmarkModel.DTypes"/>.</summary>
    public string DType { get; init; } = BenchmarkModel.DTypes[0];

    /// <summary>Tokens of the prompts (rows of the operations); null: what suits the subject.</summary>
    public IReadOnlyList<int>? Tokens { get; init; }

    /// <summary>Numbers of spans whose attention is tapped in all layers; they divide the prompt evenly.</summary>
    public IReadOnlyList<int> Spans { get; init; } = [200];

    /// <summary>Tokens or sequences of a pass, episodes of a packed batch; null: what suits the subject.</summary>
    public IReadOnlyList<int>? Batch { get; init; }

    /// <summary>Runs of each figure, from 1 to 1000; those above a minute are done three times at most.</summary>
    public int Repeat { get; init; } = 5;

    /// <summary>Device, see <see cref="IccEngine.Device.Open"/>.</summary>
    public string Device { get; init; } = IccEngine.Device.Names[0];

    /// <summary>How the matrices are held, one of <see cref="Quantization.Names"/>.</summary>
    public string Quantize { get; init; } = Quantization.Names[0];

    /// <summary>Type that is computed in, see <see cref="IccEngine.Device.DTypes"/>.</summary>
    public string ComputeDType { get; init; } = IccEngine.Device.DTypes[0];

    /// <summary>Threads of the cpu; 0: one for every core.</summary>
    public int Threads { get; init; }

    /// <summary>Checks what does not need a device.</summary>
    internal void Validate()
    {
        Quantization.FormatOf(Quantize);
        if (Shape is not null && Model is not null)
        {
            throw new IccArgumentException("a shape and a model: expected one of them");
        }
        if (Repeat is < 1 or > 1000)
        {
            throw new IccArgumentException($"{Repeat} runs of each figure; expected from 1 to 1000");
        }
        foreach (var tokens in Tokens ?? [])
        {
            if (tokens is < 1 or > MaxTokens)
            {
                throw new IccArgumentException($"{tokens} tokens; expected from 1 to {MaxTokens}");
            }
        }
        foreach (var batch in Batch ?? [])
        {
            if (batch is < 1 or > MaxBatch)
            {
                throw new IccArgumentException($"a batch of {batch}; expected from 1 to {MaxBatch}");
            }
        }
        foreach (var spans in Spans)
        {
            if (spans is < 1 or > MaxTokens)
            {
                throw new IccArgumentException($"{spans} spans; expected from 1 to {MaxTokens}");
            }
        }
    }
}
