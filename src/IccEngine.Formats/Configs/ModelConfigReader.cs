using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Reads config.json: each family's own defaults, both styles of the transformers library, limits on every number.</summary>
internal static class ModelConfigReader
{
    private const int MaxWidth = 1 << 18;
    private const int MaxLayers = 4096;
    private const int MaxHeads = 1 << 13;
    private const int MaxHeadDim = 1 << 12;
    private const int MaxVocabulary = 1 << 24;

    /// <summary>What the configuration class of a family in the transformers library has for missing keys.</summary>
    private sealed record Family(int VocabSize, int IntermediateSize, int MaxPositionEmbeddings)
    {
        public int? NumKeyValueHeads { get; init; }
        public int? HeadDim { get; init; }
        public int? BosTokenId { get; init; }
        public ValueList<int> EosTokenIds { get; init; } = [];
    }

    private static readonly Dictionary<string, Family> Families = new()
    {
        ["llama"] = new(32000, 11008, 2048) { BosTokenId = 1, EosTokenIds = [2] },
        ["mistral"] = new(32000, 14336, 131072) { NumKeyValueHeads = 8, BosTokenId = 1, EosTokenIds = [2] },
        ["qwen2"] = new(151936, 22016, 32768) { NumKeyValueHeads = 32 },
        ["qwen3"] = new(151936, 22016, 32768) { NumKeyValueHeads = 32, HeadDim = 128 },
    };

    /// <summary>Reads and checks the whole configuration.</summary>
    public static ModelConfig Read(ConfigObject config)
    {
        var type = config.Text("model_type") ?? throw config.Missing("model_type", string.Join(", ", Families.Keys));
        if (!Families.TryGetValue(type, out var family))
        {
            throw config.Unsupported("model_type", $"'{type}'", string.Join(", ", Families.Keys));
        }
        if (config.Value("quantization_config") is not null)
        {
            throw config.Unsupported("quantization_config", "quantized weights", "float32, bfloat16 and float16 weights");
        }
        var hidden = config.Integer("hidden_size", 1, MaxWidth) ?? 4096;
        var layers = config.Integer("num_hidden_layers", 1, MaxLayers) ?? 32;
        var (heads, keyValueHeads, headDim) = ReadHeads(config, family, hidden);
        var positions = config.Integer("max_position_embeddings", 1, ModelConfig.MaxPositions) ?? family.MaxPositionEmbeddings;
        var rope = RopeConfig.Read(config, positions);
        if (rope.Type == RopeType.Dynamic && headDim <= 2)
        {
            throw new IccFormatException(config.File, $"head_dim: found {headDim}, expected more than 2 with the rope type dynamic");
        }
        var attentionBias = type == "qwen2" || type != "mistral" && (config.Flag("attention_bias") ?? false);
        return new ModelConfig
        {
            ModelType = type,
            HiddenSize = hidden,
            IntermediateSize = config.Integer("intermediate_size", 1, MaxWidth * 4) ?? family.IntermediateSize,
            NumHiddenLayers = layers,
            NumAttentionHeads = heads,
            NumKeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            VocabSize = config.Integer("vocab_size", 1, MaxVocabulary) ?? family.VocabSize,
            RmsNormEps = config.Number("rms_norm_eps", 1e-20, 1) ?? 1e-6,
            MaxPositionEmbeddings = positions,
            TieWordEmbeddings = config.Flag("tie_word_embeddings") ?? false,
            AttentionBias = attentionBias,
            AttentionOutputBias = attentionBias && type != "qwen2",
            MlpBias = type == "llama" && (config.Flag("mlp_bias") ?? false),
            HiddenAct = ReadActivation(config),
            QkNorm = type == "qwen3",
            LayerWindows = ReadWindows(config, type, layers),
            Rope = rope,
            BosTokenId = config.Has("bos_token_id") ? config.Integer("bos_token_id", 0, MaxVocabulary) : family.BosTokenId,
            EosTokenIds = EndTokens(config) ?? (config.Has("eos_token_id") ? [] : family.EosTokenIds),
            DType = ReadDType(config),
        };
    }

    /// <summary>eos_token_id, a number or a list of them; null where it is missing or null.</summary>
    public static ValueList<int>? EndTokens(ConfigObject config) =>
        config.Integers("eos_token_id", 0, MaxVocabulary) is { } ids ? [.. ids] : null;

    private static (int Heads, int KeyValueHeads, int HeadDim) ReadHeads(ConfigObject config, Family family, int hidden)
    {
        var heads = config.Integer("num_attention_heads", 1, MaxHeads) ?? 32;
        var keyValueHeads = config.Integer("num_key_value_heads", 1, MaxHeads)
            ?? (config.Has("num_key_value_heads") ? heads : family.NumKeyValueHeads ?? heads);
        if (heads % keyValueHeads != 0)
        {
            throw new IccFormatException(config.File, $"num_key_value_heads: found {keyValueHeads}, expected a divisor of num_attention_heads {heads}");
        }
        var headDim = config.Integer("head_dim", 1, MaxHeadDim) ?? (config.Has("head_dim") ? null : family.HeadDim);
        if (headDim is null && hidden % heads != 0)
        {
            throw new IccFormatException(config.File, $"hidden_size: found {hidden}, expected a multiple of num_attention_heads {heads} (there is no head_dim)");
        }
        var width = headDim ?? hidden / heads;
        if (width % 2 != 0 || width > MaxHeadDim)
        {
            throw new IccFormatException(config.File, $"head_dim: found {width}, expected an even number up to {MaxHeadDim}");
        }
        return (long)heads * width <= MaxWidth
            ? (heads, keyValueHeads, width)
            : throw new IccFormatException(config.File, $"num_attention_heads: found {heads} heads of {width}, expected at most {MaxWidth} together");
    }

    private static string ReadActivation(ConfigObject config) => config.Text("hidden_act") switch
    {
        // Two names of the same function.
        null or "silu" or "swish" => "silu",
        var other => throw config.Unsupported("hidden_act", $"'{other}'", "silu"),
    };

    private static ValueList<int?> ReadWindows(ConfigObject config, string type, int layers)
    {
        int? Window() => config.Has("sliding_window") ? config.Integer("sliding_window", 1, ModelConfig.MaxPositions) : 4096;
        return type switch
        {
            "llama" => [.. Enumerable.Repeat<int?>(null, layers)],
            "mistral" => [.. Enumerable.Repeat(Window(), layers)],
            _ => ReadLayerTypes(config, layers, config.Flag("use_sliding_window") ?? false ? Window() : null),
        };
    }

    private static ValueList<int?> ReadLayerTypes(ConfigObject config, int layers, int? window)
    {
        if (config.Texts("layer_types") is not { } types)
        {
            var first = config.Integer("max_window_layers", 0, int.MaxValue) ?? 28;
            return [.. Enumerable.Range(0, layers).Select(i => i >= first ? window : null)];
        }
        if (types.Count != layers)
        {
            throw new IccFormatException(config.File, $"layer_types: found {types.Count} entries, expected one for each of {layers} layers");
        }
        return [.. types.Select((type, i) => type switch
        {
            "full_attention" => (int?)null,
            "sliding_attention" => window ?? throw new IccFormatException(config.File,
                $"layer_types: found sliding_attention at {i}, expected full_attention: there is no window (use_sliding_window, sliding_window)"),
            _ => throw config.Unsupported("layer_types", $"'{type}'", "full_attention and sliding_attention"),
        })];
    }

    private static DType? ReadDType(ConfigObject config)
    {
        var key = config.Value("dtype") is not null ? "dtype" : "torch_dtype";
        return config.Text(key) switch
        {
            null or "auto" => null,
            "float32" => DType.F32,
            "float16" => DType.F16,
            "bfloat16" => DType.BF16,
            "float64" => DType.F64,
            var other => throw config.Unsupported(key, $"'{other}'", "float32, float16, bfloat16 and float64"),
        };
    }
}
