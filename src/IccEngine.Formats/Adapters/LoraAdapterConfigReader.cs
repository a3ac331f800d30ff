using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Reads adapter_config.json and refuses every variant that would give other numbers than plain LoRA, rsLoRA or DoRA.</summary>
internal static class LoraAdapterConfigReader
{
    private const double MaxAlpha = 1e9;
    private const int MaxSavedNames = 1000;

    // Each of these changes the numbers when it is there; null, false and empty mean it is not.
    private static readonly string[] Variants =
    [
        "fan_in_fan_out", "lora_bias", "use_qalora", "use_bdlora", "layer_replication", "trainable_token_indices", "target_parameters",
        "alora_invocation_tokens", "arrow_config", "kasa_config", "velora_config", "monteclora_config", "ensure_weight_tying",
    ];

    // Beginnings of ways to initialise that take a part out of the base weights: the file then belongs to changed weights.
    private static readonly string[] ChangingInits = ["pissa", "olora", "corda", "loftq", "lora_ga"];

    /// <summary>Reads and checks the whole configuration.</summary>
    public static LoraAdapterConfig Read(ConfigObject config)
    {
        CheckKind(config);
        var make = new ModulePatterns(config.File);
        var (names, pattern, allLinear) = ReadTargets(config, make);
        var excluded = ReadNamesOrPattern(config, make, "exclude_modules");
        var layers = config.Integers("layers_to_transform", 0, int.MaxValue) is { Count: > 0 } l ? l : null;
        if (layers is not null && pattern is not null)
        {
            throw new IccFormatException(config.File, "layers_to_transform: expected none where target_modules is a regular expression");
        }
        return new LoraAdapterConfig
        {
            BaseModelNameOrPath = config.Text("base_model_name_or_path"),
            R = config.Integer("r", 1, LoraAdapterConfig.MaxRank) ?? 8,
            LoraAlpha = config.Number("lora_alpha", 0, MaxAlpha) ?? 8,
            UseRslora = config.Flag("use_rslora") ?? false,
            UseDora = config.Flag("use_dora") ?? false,
            Bias = ReadBias(config),
            ModulesToSave = ReadSaved(config),
            TargetNames = [.. names],
            TargetPattern = pattern,
            AllLinear = allLinear,
            ExcludedNames = [.. excluded.Names ?? []],
            ExcludedPattern = excluded.Pattern,
            LayersToTransform = layers,
            LayersPattern = ReadLayersPattern(config, make),
            RankPattern = ReadPatterns(config, make, "rank_pattern",
                (o, key) => o.Integer(key, 1, LoraAdapterConfig.MaxRank) ?? throw o.Missing(key, "a rank")),
            AlphaPattern = ReadPatterns(config, make, "alpha_pattern", (o, key) => o.Number(key, 0, MaxAlpha) ?? throw o.Missing(key, "a number")),
        };
    }

    private static void CheckKind(ConfigObject config)
    {
        var kind = config.Text("peft_type") ?? throw config.Missing("peft_type", "LORA");
        if (kind != "LORA")
        {
            throw config.Unsupported("peft_type", $"'{kind}'", "LORA");
        }
        foreach (var key in Variants)
        {
            if (config.Value(key) is { } value && !IsEmpty(value))
            {
                throw config.Unsupported(key, JsonFile.Describe(value), "an adapter without it");
            }
        }
        if (config.Value("init_lora_weights") is { ValueKind: JsonValueKind.String }
            && config.Text("init_lora_weights") is { } init
            && ChangingInits.Any(i => init.StartsWith(i, StringComparison.OrdinalIgnoreCase)))
        {
            throw config.Unsupported("init_lora_weights", $"'{init}', which changes the base weights", "an adapter converted to plain LoRA");
        }
    }

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    private static (List<string> Names, ModulePattern? Pattern, bool AllLinear) ReadTargets(ConfigObject config, ModulePatterns make)
    {
        if (config.Value("target_modules") is { ValueKind: JsonValueKind.String }
            && string.Equals(config.Text("target_modules"), "all-linear", StringComparison.OrdinalIgnoreCase))
        {
            return ([], null, true);
        }
        var (names, pattern) = ReadNamesOrPattern(config, make, "target_modules");
        // What PEFT takes for every family here where the file says nothing.
        return (names ?? (pattern is null ? ["q_proj", "v_proj"] : []), pattern, false);
    }

    private static (List<string>? Names, ModulePattern? Pattern) ReadNamesOrPattern(ConfigObject config, ModulePatterns make, string key) =>
        config.Value(key) is { ValueKind: JsonValueKind.String }
            ? config.Text(key) is { Length: > 0 } text ? (null, make.Full(key, text)) : (null, null)
            : (NotEmpty(config, key, config.Texts(key)), null);

    private static List<string> ReadSaved(ConfigObject config)
    {
        var names = NotEmpty(config, "modules_to_save", config.Texts("modules_to_save")) ?? [];
        return names.Count <= MaxSavedNames
            ? names
            : throw new IccFormatException(config.File, $"modules_to_save: found {names.Count} names, expected at most {MaxSavedNames}");
    }

    private static List<string>? NotEmpty(ConfigObject config, string key, List<string>? names) =>
        names is not null && names.Contains("")
            ? throw new IccFormatException(config.File, $"{key}: found an empty name, expected names of modules")
            : names;

    private static LoraBias ReadBias(ConfigObject config) => config.Text("bias") switch
    {
        null or "none" => LoraBias.None,
        "all" => LoraBias.All,
        "lora_only" => LoraBias.LoraOnly,
        var other => throw config.Unsupported("bias", $"'{other}'", "none, all and lora_only"),
    };

    private static List<ModulePattern> ReadLayersPattern(ConfigObject config, ModulePatterns make)
    {
        var texts = config.Value("layers_pattern") is { ValueKind: JsonValueKind.String }
            ? [config.Text("layers_pattern")!]
            : config.Texts("layers_pattern") ?? [];
        texts.RemoveAll(t => t.Length == 0);
        // Without a pattern the first numbered segment counts.
        return texts.Count == 0
            ? [make.LayerAfter("layers_pattern", "[^.]*")]
            : texts.ConvertAll(t => make.LayerAfter("layers_pattern", t));
    }

    private static List<(ModulePattern, T)> ReadPatterns<T>(ConfigObject config, ModulePatterns make, string key, Func<ConfigObject, string, T> read)
    {
        if (config.Object(key) is not { } patterns)
        {
            return [];
        }
        return patterns.Entries().Select(e => (make.Suffix(key, e.Key), read(patterns, e.Key))).ToList();
    }
}
