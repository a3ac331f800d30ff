namespace IccEngine.Formats;

/// <summary>Which biases an adapter trained and stores.</summary>
public enum LoraBias
{
    /// <summary>None.</summary>
    None,
    /// <summary>All biases of the model.</summary>
    All,
    /// <summary>Those of the adapted modules.</summary>
    LoraOnly,
}

/// <summary>
/// adapter_config.json of a LoRA adapter, with the field names of PEFT. Answers for a module, by its full name in the base model,
/// whether it is adapted and how; the rules are those of PEFT's tuners_utils.check_target_module_exists and get_pattern_key.
/// </summary>
public sealed class LoraAdapterConfig
{
    /// <summary>Largest rank that is accepted.</summary>
    public const int MaxRank = 1 << 16;

    internal LoraAdapterConfig() { }

    /// <summary>Name or path of the model that was adapted, where the file says it.</summary>
    public string? BaseModelNameOrPath { get; internal init; }

    /// <summary>Rank where no pattern says otherwise.</summary>
    public int R { get; internal init; }

    /// <summary>Alpha where no pattern says otherwise.</summary>
    public double LoraAlpha { get; internal init; }

    /// <summary>Scale is alpha / sqrt(rank) instead of alpha / rank.</summary>
    public bool UseRslora { get; internal init; }

    /// <summary>Weights are decomposed into magnitude and direction (https://arxiv.org/abs/2402.09353).</summary>
    public bool UseDora { get; internal init; }

    /// <summary>Which biases are stored.</summary>
    public LoraBias Bias { get; internal init; }

    /// <summary>Endings of the names of modules that are stored whole.</summary>
    public IReadOnlyList<string> ModulesToSave { get; internal init; } = [];

    internal HashSet<string> TargetNames { get; init; } = [];

    internal ModulePattern? TargetPattern { get; init; }

    internal bool AllLinear { get; init; }

    internal HashSet<string> ExcludedNames { get; init; } = [];

    internal ModulePattern? ExcludedPattern { get; init; }

    internal IReadOnlyList<int>? LayersToTransform { get; init; }

    internal IReadOnlyList<ModulePattern> LayersPattern { get; init; } = [];

    internal IReadOnlyList<(ModulePattern Pattern, int Rank)> RankPattern { get; init; } = [];

    internal IReadOnlyList<(ModulePattern Pattern, double Alpha)> AlphaPattern { get; init; } = [];

    /// <summary>Reads an adapter_config.json.</summary>
    /// <exception cref="Core.IccFormatException">The file is missing or malformed, or a value is outside its limits.</exception>
    /// <exception cref="Core.IccUnsupportedException">The adapter is of another kind, or uses a variant that is not supported.</exception>
    public static LoraAdapterConfig Load(string path)
    {
        using var document = JsonFile.Read(path);
        return LoraAdapterConfigReader.Read(new ConfigObject(path, document.RootElement));
    }

    /// <summary>Whether the linear layer or embedding of that full name gets a low-rank update.</summary>
    public bool Targets(string module)
    {
        if (ExcludedPattern?.Matches(module) ?? HasEnding(ExcludedNames, module))
        {
            return false;
        }
        if (IsSaved(module))
        {
            return false;
        }
        if (TargetPattern is not null)
        {
            return TargetPattern.Matches(module);
        }
        if (AllLinear)
        {
            // The output layer is linear too, but PEFT leaves it out; an embedding is not linear.
            return module[(module.LastIndexOf('.') + 1)..] is not ("lm_head" or "embed_tokens");
        }
        return TargetNames.Contains(module) || HasEnding(TargetNames, module) && IsTransformedLayer(module);
    }

    /// <summary>Whether the module, or one that holds it, is stored whole.</summary>
    public bool IsSaved(string module)
    {
        for (var name = module; name.Length > 0;)
        {
            if (ModulesToSave.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))
            {
                return true;
            }
            name = name[..Math.Max(0, name.LastIndexOf('.'))];
        }
        return false;
    }

    /// <summary>Rank of a module's update: that of the first pattern that matches, else <see cref="R"/>.</summary>
    public int RankOf(string module)
    {
        foreach (var (pattern, rank) in RankPattern)
        {
            if (pattern.Matches(module))
            {
                return rank;
            }
        }
        return R;
    }

    /// <summary>Factor on a module's update: alpha / rank or alpha / sqrt(rank), both after the patterns.</summary>
    public float ScaleOf(string module)
    {
        var rank = RankOf(module);
        var alpha = LoraAlpha;
        foreach (var (pattern, value) in AlphaPattern)
        {
            if (pattern.Matches(module))
            {
                alpha = value;
                break;
            }
        }
        return (float)(alpha / (UseRslora ? Math.Sqrt(rank) : rank));
    }

    private static bool HasEnding(HashSet<string> names, string module)
    {
        var known = names.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var rest = module.AsSpan(); ;)
        {
            if (known.Contains(rest))
            {
                return true;
            }
            var dot = rest.IndexOf('.');
            if (dot < 0)
            {
                return false;
            }
            rest = rest[(dot + 1)..];
        }
    }

    private bool IsTransformedLayer(string module)
    {
        if (LayersToTransform is null)
        {
            return true;
        }
        foreach (var pattern in LayersPattern)
        {
            if (pattern.LayerOf(module) is { } layer)
            {
                return LayersToTransform.Contains(layer);
            }
        }
        return false;
    }
}
