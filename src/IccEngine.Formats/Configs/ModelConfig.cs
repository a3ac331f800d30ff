using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// The architecture of a decoder-only model of the Llama family, with the field names of the transformers library. Families: llama,
/// qwen2, qwen3, mistral. A value: two configurations that describe the same model are equal, in whatever style their files are.
/// </summary>
public sealed record ModelConfig
{
    /// <summary>Name of the file in a model's folder.</summary>
    public const string FileName = "config.json";

    /// <summary>Longest context that is accepted, in tokens.</summary>
    public const int MaxPositions = 1 << 30;

    /// <summary>Family: llama, qwen2, qwen3 or mistral.</summary>
    public required string ModelType { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width of the gated MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of decoder layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Number of query heads.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Number of key and value heads; divides <see cref="NumAttentionHeads"/>.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Width of one head; even, and not always <see cref="HiddenSize"/> / <see cref="NumAttentionHeads"/>.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabSize { get; init; }

    /// <summary>Epsilon of the RMS norms.</summary>
    public required double RmsNormEps { get; init; }

    /// <summary>Context length in tokens.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Whether the output layer shares the embedding table.</summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>Whether q_proj, k_proj and v_proj have biases.</summary>
    public required bool AttentionBias { get; init; }

    /// <summary>Whether o_proj has a bias (qwen2 has biases on the other three only).</summary>
    public required bool AttentionOutputBias { get; init; }

    /// <summary>Whether gate_proj, up_proj and down_proj have biases.</summary>
    public required bool MlpBias { get; init; }

    /// <summary>Activation of the gate: silu.</summary>
    public required string HiddenAct { get; init; }

    /// <summary>RMSNorm of queries and keys over each head before the rotation (qwen3).</summary>
    public required bool QkNorm { get; init; }

    /// <summary>For each layer the number of tokens that a token sees, itself included; null for all before it.</summary>
    public required ValueList<int?> LayerWindows { get; init; }

    /// <summary>The rotary embedding.</summary>
    public required RopeConfig Rope { get; init; }

    /// <summary>Token that begins a text, where there is one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Tokens that end an answer: those of generation_config.json where it names any, else those of config.json.</summary>
    public required ValueList<int> EosTokenIds { get; init; }

    /// <summary>Type the weights were trained in, where the file says it; the weights' own files decide.</summary>
    public DType? DType { get; init; }

    /// <summary>
    /// Reads config.json from a model's folder (or the file named), and generation_config.json beside it where there is one.
    /// </summary>
    /// <exception cref="IccFormatException">A file is missing or malformed, or a value is outside its limits.</exception>
    /// <exception cref="IccUnsupportedException">The model type, activation, rope type or another feature is not supported.</exception>
    public static ModelConfig Load(string folderOrFile)
    {
        var path = Directory.Exists(folderOrFile) ? Path.Combine(folderOrFile, FileName) : folderOrFile;
        using var document = JsonFile.Read(path);
        var config = ModelConfigReader.Read(new ConfigObject(path, document.RootElement));
        var generation = Path.Combine(Path.GetDirectoryName(path) ?? "", "generation_config.json");
        return File.Exists(generation) && ReadEndTokens(generation) is { } ends ? config with { EosTokenIds = ends } : config;
    }

    /// <summary>Reads the text of a config.json.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="bytes">The text, UTF-8.</param>
    /// <exception cref="IccFormatException">It is malformed, or a value is outside its limits.</exception>
    /// <exception cref="IccUnsupportedException">The model type, activation, rope type or another feature is not supported.</exception>
    public static ModelConfig Parse(string name, byte[] bytes)
    {
        using var document = JsonFile.Parse(name, bytes);
        return ModelConfigReader.Read(new ConfigObject(name, document.RootElement));
    }

    private static ValueList<int>? ReadEndTokens(string path)
    {
        using var document = JsonFile.Read(path);
        return ModelConfigReader.EndTokens(new ConfigObject(path, document.RootElement));
    }
}
