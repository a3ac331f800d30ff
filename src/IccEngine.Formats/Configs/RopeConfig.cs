using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>How the rotary frequencies are scaled beyond the trained length.</summary>
public enum RopeType
{
    /// <summary>Not scaled.</summary>
    Default,
    /// <summary>All frequencies divided by a factor.</summary>
    Linear,
    /// <summary>A base that grows with the length of the sequence (dynamic NTK).</summary>
    Dynamic,
    /// <summary>Interpolation by frequency, with a factor on cosine and sine (https://arxiv.org/abs/2309.00071).</summary>
    Yarn,
    /// <summary>Low frequencies divided, high ones kept, a ramp between (Llama 3.1).</summary>
    Llama3,
}

/// <summary>
/// The rotary embedding of a model, with the names of the transformers library (rope_parameters; before release 5 rope_theta and
/// rope_scaling). Fields that the type does not use have their defaults.
/// </summary>
public sealed record RopeConfig
{
    /// <summary>Base of the frequencies where the file says nothing.</summary>
    public const double DefaultTheta = 10_000;

    private const double MaxFactor = 1e6;

    /// <summary>The kind of scaling.</summary>
    public RopeType Type { get; init; }

    /// <summary>Base of the frequencies.</summary>
    public double Theta { get; init; } = DefaultTheta;

    /// <summary>How many times the trained length.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>The trained length in tokens (yarn, llama3); 0 for the other types.</summary>
    public int OriginalMaxPositionEmbeddings { get; init; }

    /// <summary>llama3: wavelengths above original length / this are divided by the factor.</summary>
    public double LowFreqFactor { get; init; }

    /// <summary>llama3: wavelengths below original length / this are kept.</summary>
    public double HighFreqFactor { get; init; }

    /// <summary>yarn: factor on cosine and sine; null for the rule of the paper.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>yarn: rotations over the original length above which a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>yarn: rotations over the original length below which a frequency is divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: with <see cref="MscaleAllDim"/>, the attention factor is the quotient of both rules.</summary>
    public double? Mscale { get; init; }

    /// <summary>yarn: see <see cref="Mscale"/>.</summary>
    public double? MscaleAllDim { get; init; }

    /// <summary>yarn: whether the ends of the ramp are rounded to whole dimensions.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>Reads either style from a config.json.</summary>
    internal static RopeConfig Read(ConfigObject config, int maxPositionEmbeddings)
    {
        // As in transformers: a rope_scaling that says something wins over rope_parameters.
        var (key, found) = config.Object("rope_scaling") is { } scaling && scaling.Entries().Any()
            ? ("rope_scaling", scaling)
            : ("rope_parameters", config.Object("rope_parameters"));
        var theta = ThetaOf(found) ?? ThetaOf(config) ?? DefaultTheta;
        if ((PartialOf(found) ?? PartialOf(config)) is { } part and not 1)
        {
            throw config.Unsupported("partial_rotary_factor", $"{part}", "1 (all of each head is rotated)");
        }
        if (found is not { } rope)
        {
            return new RopeConfig { Theta = theta };
        }
        var name = rope.Text("rope_type") is not null ? "rope_type" : "type";
        var type = rope.Text(name) ?? "default";
        if (rope.Has("full_attention") || rope.Has("sliding_attention"))
        {
            throw config.Unsupported(key, "parameters for each layer type", "one set for all layers");
        }
        return type switch
        {
            "default" => new RopeConfig { Theta = theta },
            "linear" => new RopeConfig { Type = RopeType.Linear, Theta = theta, Factor = FactorOf(rope) },
            "dynamic" => new RopeConfig { Type = RopeType.Dynamic, Theta = theta, Factor = FactorOf(rope) },
            "yarn" => ReadYarn(rope, theta, maxPositionEmbeddings),
            "llama3" => ReadLlama3(rope, theta, maxPositionEmbeddings),
            _ => throw rope.Unsupported(name, $"'{type}'", "default, linear, dynamic, yarn and llama3"),
        };
    }

    private static double? ThetaOf(ConfigObject? from) => from?.Number("rope_theta", 1.0001, 1e12);

    private static double? PartialOf(ConfigObject? from) => from?.Number("partial_rotary_factor", 0, 1);

    private static double FactorOf(ConfigObject rope) => rope.Number("factor", 1, MaxFactor) ?? throw rope.Missing("factor", "a number");

    private static int Original(ConfigObject rope, int maxPositionEmbeddings) =>
        rope.Integer("original_max_position_embeddings", 1, ModelConfig.MaxPositions) ?? maxPositionEmbeddings;

    private static RopeConfig ReadYarn(ConfigObject rope, double theta, int maxPositionEmbeddings)
    {
        var original = Original(rope, maxPositionEmbeddings);
        var config = new RopeConfig
        {
            Type = RopeType.Yarn,
            Theta = theta,
            Factor = rope.Value("factor") is null && rope.Value("original_max_position_embeddings") is not null
                ? Math.Max(1, (double)maxPositionEmbeddings / original)
                : FactorOf(rope),
            OriginalMaxPositionEmbeddings = original,
            AttentionFactor = rope.Number("attention_factor", 1e-6, MaxFactor),
            // A zero counts as missing in transformers.
            BetaFast = NonZero(rope.Number("beta_fast", 0, MaxFactor)) ?? 32,
            BetaSlow = NonZero(rope.Number("beta_slow", 0, MaxFactor)) ?? 1,
            Mscale = NonZero(rope.Number("mscale", 0, MaxFactor)),
            MscaleAllDim = NonZero(rope.Number("mscale_all_dim", 0, MaxFactor)),
            Truncate = rope.Flag("truncate") ?? true,
        };
        return config.BetaFast >= config.BetaSlow
            ? config
            : throw new IccFormatException(rope.File, $"beta_fast: found {config.BetaFast}, expected at least beta_slow {config.BetaSlow}");
    }

    private static RopeConfig ReadLlama3(ConfigObject rope, double theta, int maxPositionEmbeddings)
    {
        var low = rope.Number("low_freq_factor", 1e-6, MaxFactor) ?? throw rope.Missing("low_freq_factor", "a number");
        var high = rope.Number("high_freq_factor", 1e-6, MaxFactor) ?? throw rope.Missing("high_freq_factor", "a number");
        return high > low
            ? new RopeConfig
            {
                Type = RopeType.Llama3,
                Theta = theta,
                Factor = FactorOf(rope),
                OriginalMaxPositionEmbeddings = Original(rope, maxPositionEmbeddings),
                LowFreqFactor = low,
                HighFreqFactor = high,
            }
            : throw new IccFormatException(rope.File, $"high_freq_factor: found {high}, expected more than low_freq_factor {low}");
    }

    private static double? NonZero(double? value) => value is 0 ? null : value;
}
