using System.Text.Json;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine;

/// <summary>Llama models with random weights: as fast as trained ones, and there without a download.</summary>
public static class BenchmarkModel
{
    private static readonly Dictionary<string, Sizes> All = new()
    {
        ["1b"] = new(2048, 16, 32, 8, 64, 8192, 32_000, true),
        ["8b"] = new(4096, 32, 32, 8, 128, 14_336, 128_256, false),
        ["tiny"] = new(64, 2, 4, 2, 16, 128, 256, true),
    };

    /// <summary>Names of the shapes: 1b, 8b, and tiny for tests.</summary>
    public static IReadOnlyList<string> Shapes { get; } = [.. All.Keys];

    /// <summary>Types of random weights: bf16, f16, f32.</summary>
    public static IReadOnlyList<string> DTypes { get; } = ["bf16", "f16", "f32"];

    /// <summary>Architecture of a shape.</summary>
    /// <exception cref="IccArgumentException">There is no such shape.</exception>
    public static ModelConfig ConfigOf(string shape) => ModelConfig.Parse($"{shape}/{ModelConfig.FileName}", ConfigFile(shape));

    /// <summary>Bytes of the weights of a model: linear layers, embedding, norms.</summary>
    /// <param name="config">Architecture, without biases and query norms.</param>
    /// <param name="dtype">Type of the weights.</param>
    public static long WeightBytes(ModelConfig config, DType dtype) => Tensors(config).Sum(t => dtype.Bytes(t.Extents.Aggregate(1L, (n, e) => n * e)));

    /// <summary>
    /// Writes config.json and model.safetensors. Matrices are drawn from a bell curve (sum of four uniform numbers) of deviation 0.02 as
    /// before training, norms are 1. The same seed gives the same bytes. The weights stream to the disk; none is in memory as a whole.
    /// </summary>
    /// <param name="shape">One of <see cref="Shapes"/>.</param>
    /// <param name="dtype">One of <see cref="DTypes"/>.</param>
    /// <param name="folder">Folder to write in; made where it is not there, else it has to be empty.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="progress">Told the share that is written, 0 to 1.</param>
    /// <param name="cancellation">Looked at every 256 KiB; nothing is left behind.</param>
    /// <exception cref="IccArgumentException">No such shape, or a type that random weights do not have.</exception>
    /// <exception cref="IccFormatException">The folder holds something, or cannot be written.</exception>
    /// <exception cref="IccMemoryException">The disk has no room for it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static void Write(
        string shape, string dtype, string folder, long seed = 0, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        var config = ConfigOf(shape);
        var type = DTypeOf(dtype);
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            throw new IccFormatException(folder, "there already and not an empty folder; expected a folder to make");
        }
        var made = !Directory.Exists(folder);
        try
        {
            Directory.CreateDirectory(folder);
            CheckDisk(folder, WeightBytes(config, type));
            WriteFiles(shape, config, type, folder, seed, progress, cancellation);
        }
        catch (Exception e)
        {
            Remove(folder, made);
            if (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw new IccFormatException(folder, $"cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
            }
            throw;
        }
    }

    internal static DType DTypeOf(string name) => name switch
    {
        "bf16" => DType.BF16,
        "f16" => DType.F16,
        "f32" => DType.F32,
        _ => throw new IccArgumentException($"weights of type '{name}'; expected {string.Join(", ", DTypes)}"),
    };

    private static void WriteFiles(
        string shape, ModelConfig config, DType dtype, string folder, long seed, IProgress<double>? progress, CancellationToken cancellation)
    {
        var (written, total) = (0L, WeightBytes(config, dtype));
        void Report(int bytes) => progress?.Report((double)(written += bytes) / total);
        var tensors = Tensors(config).Select(t => new SafeTensorsItem(
            t.Name, dtype, t.Extents, stream => RandomWeights.Write(stream, t.Name, dtype, t.Extents, seed, Report)));
        SafeTensorsWriter.Write(Path.Combine(folder, Checkpoint.SingleName), tensors, cancellation: cancellation);
        AtomicFile.Write(Path.Combine(folder, ModelConfig.FileName), stream => stream.Write(ConfigFile(shape)));
    }

    private static void CheckDisk(string folder, long bytes)
    {
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (bytes > free)
        {
            throw new IccMemoryException($"{folder}: {bytes:N0} bytes of weights; the disk has {free:N0} free");
        }
    }

    private static void Remove(string folder, bool made)
    {
        try
        {
            File.Delete(Path.Combine(folder, Checkpoint.SingleName));
            File.Delete(Path.Combine(folder, ModelConfig.FileName));
            if (made)
            {
                Directory.Delete(folder);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            // The error that led here is the one to report.
        }
    }

    private static IEnumerable<(string Name, long[] Extents)> Tensors(ModelConfig config)
    {
        long hidden = config.HiddenSize, ffn = config.IntermediateSize;
        var (queries, keys) = ((long)config.NumAttentionHeads * config.HeadDim, (long)config.NumKeyValueHeads * config.HeadDim);
        yield return ("model.embed_tokens.weight", [config.VocabSize, hidden]);
        yield return ("model.norm.weight", [hidden]);
        if (!config.TieWordEmbeddings)
        {
            yield return ("lm_head.weight", [config.VocabSize, hidden]);
        }
        for (var layer = 0; layer < config.NumHiddenLayers; layer++)
        {
            var name = $"model.layers.{layer}.";
            yield return (name + "input_layernorm.weight", [hidden]);
            yield return (name + "post_attention_layernorm.weight", [hidden]);
            yield return (name + "self_attn.q_proj.weight", [queries, hidden]);
            yield return (name + "self_attn.k_proj.weight", [keys, hidden]);
            yield return (name + "self_attn.v_proj.weight", [keys, hidden]);
            yield return (name + "self_attn.o_proj.weight", [hidden, queries]);
            yield return (name + "mlp.gate_proj.weight", [ffn, hidden]);
            yield return (name + "mlp.up_proj.weight", [ffn, hidden]);
            yield return (name + "mlp.down_proj.weight", [hidden, ffn]);
        }
    }

    private static byte[] ConfigFile(string shape)
    {
        if (!All.TryGetValue(shape, out var sizes))
        {
            throw new IccArgumentException($"shape '{shape}'; expected {string.Join(", ", Shapes)}");
        }
        return JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object>
            {
                ["architectures"] = new[] { "LlamaForCausalLM" },
                ["model_type"] = "llama",
                ["hidden_size"] = sizes.Hidden,
                ["intermediate_size"] = sizes.Ffn,
                ["num_hidden_layers"] = sizes.Layers,
                ["num_attention_heads"] = sizes.Heads,
                ["num_key_value_heads"] = sizes.KvHeads,
                ["head_dim"] = sizes.HeadDim,
                ["vocab_size"] = sizes.Vocabulary,
                ["rms_norm_eps"] = 1e-5,
                ["rope_theta"] = 500_000.0,
                ["max_position_embeddings"] = BenchmarkOptions.MaxTokens,
                ["hidden_act"] = "silu",
                ["tie_word_embeddings"] = sizes.Tied,
                ["eos_token_id"] = 2,
            });
    }

    private sealed record Sizes(int Hidden, int Layers, int Heads, int KvHeads, int HeadDim, int Ffn, int Vocabulary, bool Tied);
}
