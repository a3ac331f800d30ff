using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

[Trait("Category", "Goldens")]
public sealed class ModelConfigGoldenTests
{
    public static IEnumerable<object[]> Models() => Goldens.Folders("models").DefaultIfEmpty("").Select(m => new object[] { m });

    public static IEnumerable<object[]> ModelsInBothStyles() =>
        Goldens.Folders("models").Where(m => File.Exists(Old(m))).DefaultIfEmpty("").Select(m => new object[] { m });

    private static string Old(string model) => Goldens.At("models", model, "config.old.json");

    [SkippableTheory]
    [MemberData(nameof(ModelsInBothStyles))]
    public void Old_and_new_style_load_to_the_same_model(string model)
    {
        Skip.If(model.Length == 0, $"no models with a config.old.json below {Goldens.Root}");
        var config = ModelConfig.Load(Goldens.At("models", model));
        Assert.Equal(config, ModelConfig.Load(Old(model)));
        Assert.Equal(config.GetHashCode(), ModelConfig.Load(Old(model)).GetHashCode());
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Numbers_are_those_of_the_file(string model)
    {
        Skip.If(model.Length == 0, $"no models below {Goldens.Root}");
        var config = ModelConfig.Load(Goldens.At("models", model));
        using var document = JsonDocument.Parse(File.ReadAllBytes(Goldens.At("models", model, "config.json")));
        var file = document.RootElement;
        var rope = file.GetProperty("rope_parameters");
        Assert.Equal(file.GetProperty("hidden_size").GetInt32(), config.HiddenSize);
        Assert.Equal(file.GetProperty("num_hidden_layers").GetInt32(), config.LayerWindows.Count);
        Assert.Equal(file.GetProperty("num_key_value_heads").GetInt32(), config.NumKeyValueHeads);
        Assert.Equal(file.GetProperty("tie_word_embeddings").GetBoolean(), config.TieWordEmbeddings);
        Assert.Equal(rope.GetProperty("rope_theta").GetDouble(), config.Rope.Theta);
        Assert.Equal(rope.GetProperty("rope_type").GetString(), $"{config.Rope.Type}", ignoreCase: true);
        Assert.Equal(file.GetProperty("dtype").GetString(), config.DType switch { DType.F32 => "float32", DType.F16 => "float16", DType.BF16 => "bfloat16", _ => "?" });
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Shapes_follow_from_the_configuration(string model)
    {
        Skip.If(model.Length == 0, $"no models below {Goldens.Root}");
        var config = ModelConfig.Load(Goldens.At("models", model));
        using var weights = Checkpoint.Open(Goldens.At("models", model));
        var attention = $"model.layers.{config.NumHiddenLayers - 1}.self_attn";
        long keys = config.NumKeyValueHeads * config.HeadDim;
        Assert.Equal([config.VocabSize, config.HiddenSize], weights.Get("model.embed_tokens.weight").Extents);
        Assert.Equal([config.NumAttentionHeads * config.HeadDim, config.HiddenSize], weights.Get($"{attention}.q_proj.weight").Extents);
        Assert.Equal([keys, config.HiddenSize], weights.Get($"{attention}.k_proj.weight").Extents);
        Assert.Equal(config.AttentionBias, weights.TryGet($"{attention}.q_proj.bias", out _));
        Assert.Equal(config.AttentionOutputBias, weights.TryGet($"{attention}.o_proj.bias", out _));
        Assert.Equal(config.MlpBias, weights.TryGet("model.layers.0.mlp.up_proj.bias", out _));
        Assert.Equal(config.QkNorm, weights.TryGet($"{attention}.q_norm.weight", out _));
        Assert.Equal(!config.TieWordEmbeddings, weights.TryGet("lm_head.weight", out _));
        Assert.False(weights.TryGet($"model.layers.{config.NumHiddenLayers}.self_attn.q_proj.weight", out _));
        Assert.Equal(config.DType, weights.Get($"{attention}.q_proj.weight").DType);
    }
}
