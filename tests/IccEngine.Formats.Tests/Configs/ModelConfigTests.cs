using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class ModelConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Missing_keys_have_the_defaults_of_the_family()
    {
        var llama = Load("""{"model_type":"llama"}""");
        Assert.Equal((32000, 4096, 11008, 32, 32, 32, 128), Sizes(llama));
        Assert.Equal((2048, 1e-6, 10000.0, false), (llama.MaxPositionEmbeddings, llama.RmsNormEps, llama.Rope.Theta, llama.TieWordEmbeddings));
        Assert.Equal((1, [2]), (llama.BosTokenId, llama.EosTokenIds));
        Assert.False(llama.AttentionBias || llama.AttentionOutputBias || llama.MlpBias || llama.QkNorm);

        var mistral = Load("""{"model_type":"mistral"}""");
        Assert.Equal((32000, 4096, 14336, 32, 32, 8, 128), Sizes(mistral));
        Assert.All(mistral.LayerWindows, w => Assert.Equal(4096, w));
        Assert.All(Load("""{"model_type":"mistral","sliding_window":null}""").LayerWindows, w => Assert.Null(w));

        var qwen2 = Load("""{"model_type":"qwen2"}""");
        Assert.Equal((151936, 4096, 22016, 32, 32, 32, 128), Sizes(qwen2));
        Assert.True(qwen2.AttentionBias && !qwen2.AttentionOutputBias && !qwen2.MlpBias);
        Assert.Equal((null, []), (qwen2.BosTokenId, qwen2.EosTokenIds));

        var qwen3 = Load("""{"model_type":"qwen3","hidden_size":64,"attention_bias":true}""");
        Assert.Equal((151936, 64, 22016, 32, 32, 32, 128), Sizes(qwen3));
        Assert.True(qwen3.AttentionBias && qwen3.AttentionOutputBias && qwen3.QkNorm);
    }

    [Fact]
    public void Windows_of_qwen_follow_use_sliding_window_and_the_layer_types()
    {
        const string Start = """{"model_type":"qwen2","num_hidden_layers":3,"sliding_window":7""";
        Assert.Equal([null, null, null], Load($$"""{{Start}},"max_window_layers":1}""").LayerWindows);
        Assert.Equal([null, 7, 7], Load($$"""{{Start}},"max_window_layers":1,"use_sliding_window":true}""").LayerWindows);
        Assert.Equal([null, null, null], Load($$"""{{Start}},"use_sliding_window":true}""").LayerWindows);
        Assert.Equal([7, null, 7], Load($$"""{{Start}},"use_sliding_window":true,"layer_types":["sliding_attention","full_attention","sliding_attention"]}""").LayerWindows);
    }

    [Fact]
    public void Null_heads_and_head_dim_mean_the_rule()
    {
        var config = Load("""{"model_type":"qwen3","hidden_size":64,"num_attention_heads":4,"num_key_value_heads":null,"head_dim":null}""");
        Assert.Equal((4, 16), (config.NumKeyValueHeads, config.HeadDim));
    }

    [Fact]
    public void End_tokens_of_generation_config_win()
    {
        _folder.Write("config.json", """{"model_type":"llama","eos_token_id":[5,6]}""");
        Assert.Equal([5, 6], ModelConfig.Load(_folder.Path).EosTokenIds);
        _folder.Write("generation_config.json", """{"eos_token_id":[7,8]}""");
        Assert.Equal([7, 8], ModelConfig.Load(_folder.Path).EosTokenIds);
        _folder.Write("generation_config.json", """{"eos_token_id":9}""");
        Assert.Equal([9], ModelConfig.Load(_folder.Path).EosTokenIds);
        _folder.Write("generation_config.json", """{"temperature":0.5}""");
        Assert.Equal([5, 6], ModelConfig.Load(_folder.Path).EosTokenIds);
        _folder.Write("generation_config.json", """{"eos_token_id":"x"}""");
        Assert.Contains("generation_config.json", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.Path)).Message);
    }

    [Fact]
    public void Rope_parameters_of_every_type()
    {
        Assert.Equal(new RopeConfig { Theta = 5e5 }, Rope("""{"rope_theta":500000.0}"""));
        Assert.Equal(new RopeConfig { Type = RopeType.Linear, Factor = 2 }, Rope("""{"rope_scaling":{"type":"linear","factor":2.0}}"""));
        Assert.Equal(new RopeConfig { Type = RopeType.Dynamic, Factor = 2, Theta = 7 }, Rope("""{"rope_parameters":{"rope_type":"dynamic","factor":2,"rope_theta":7}}"""));
        Assert.Equal(
            new RopeConfig { Type = RopeType.Yarn, Factor = 4, OriginalMaxPositionEmbeddings = 512, AttentionFactor = 1.5, BetaFast = 16, BetaSlow = 2, Truncate = false },
            Rope("""{"rope_scaling":{"rope_type":"yarn","type":"linear","original_max_position_embeddings":512,"attention_factor":1.5,"beta_fast":16,"beta_slow":2,"truncate":false},"rope_parameters":{"rope_type":"default"}}"""));
        Assert.Equal(new RopeConfig { Type = RopeType.Yarn, Factor = 3, OriginalMaxPositionEmbeddings = 2048, Mscale = 1, MscaleAllDim = 0.5 },
            Rope("""{"rope_scaling":{"type":"yarn","factor":3,"mscale":1.0,"mscale_all_dim":0.5,"beta_fast":0}}"""));
        Assert.Equal(new RopeConfig { Type = RopeType.Llama3, Factor = 8, OriginalMaxPositionEmbeddings = 64, LowFreqFactor = 1, HighFreqFactor = 4 },
            Rope("""{"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}}"""));
        Assert.Equal(new RopeConfig(), Rope("""{"rope_scaling":null,"rope_parameters":null}"""));
    }

    [Theory]
    [InlineData("""{"model_type":"gpt2"}""", "model_type: found 'gpt2'")]
    [InlineData("""{"model_type":"llama","hidden_act":"gelu"}""", "hidden_act: found 'gelu'")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"longrope","factor":2}}""", "rope_scaling.type: found 'longrope'")]
    [InlineData("""{"model_type":"llama","rope_parameters":{"rope_type":"mrope"}}""", "rope_parameters.rope_type: found 'mrope'")]
    [InlineData("""{"model_type":"llama","rope_parameters":{"full_attention":{"rope_type":"default"}}}""", "layer type")]
    [InlineData("""{"model_type":"llama","partial_rotary_factor":0.5}""", "partial_rotary_factor")]
    [InlineData("""{"model_type":"llama","quantization_config":{"bits":4}}""", "quantization_config")]
    [InlineData("""{"model_type":"llama","torch_dtype":"int8"}""", "torch_dtype: found 'int8'")]
    [InlineData("""{"model_type":"qwen2","num_hidden_layers":1,"layer_types":["chunked_attention"]}""", "'chunked_attention'")]
    public void What_is_not_supported_is_named(string json, string says)
    {
        var error = Assert.Throws<IccUnsupportedException>(() => Load(json));
        Assert.Contains(_folder.At("config.json"), error.Message);
        Assert.Contains(says, error.Message);
    }

    [Theory]
    [InlineData("""{}""", "model_type: missing")]
    [InlineData("""{"model_type":5}""", "model_type: found 5")]
    [InlineData("""{"model_type":"llama","hidden_size":0}""", "hidden_size: found 0")]
    [InlineData("""{"model_type":"llama","hidden_size":1.5}""", "hidden_size: found 1.5")]
    [InlineData("""{"model_type":"llama","hidden_size":"64"}""", "hidden_size: found \"64\"")]
    [InlineData("""{"model_type":"llama","hidden_size":9999999999}""", "hidden_size: found 9999999999")]
    [InlineData("""{"model_type":"llama","hidden_size":1e999}""", "hidden_size: found 1e999")]
    [InlineData("""{"model_type":"llama","hidden_size":100}""", "hidden_size: found 100, expected a multiple")]
    [InlineData("""{"model_type":"llama","hidden_size":96}""", "head_dim: found 3, expected an even")]
    [InlineData("""{"model_type":"llama","head_dim":7}""", "head_dim: found 7, expected an even")]
    [InlineData("""{"model_type":"llama","num_attention_heads":8192,"head_dim":4096}""", "together")]
    [InlineData("""{"model_type":"llama","num_key_value_heads":5}""", "num_key_value_heads: found 5, expected a divisor")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":1000000000}""", "num_hidden_layers")]
    [InlineData("""{"model_type":"llama","intermediate_size":-1}""", "intermediate_size: found -1")]
    [InlineData("""{"model_type":"llama","vocab_size":2000000000}""", "vocab_size")]
    [InlineData("""{"model_type":"llama","rms_norm_eps":0}""", "rms_norm_eps: found 0")]
    [InlineData("""{"model_type":"llama","rms_norm_eps":"1e-5"}""", "rms_norm_eps")]
    [InlineData("""{"model_type":"llama","rope_theta":0}""", "rope_theta: found 0")]
    [InlineData("""{"model_type":"llama","max_position_embeddings":0}""", "max_position_embeddings")]
    [InlineData("""{"model_type":"llama","tie_word_embeddings":1}""", "tie_word_embeddings: found 1, expected true or false")]
    [InlineData("""{"model_type":"llama","eos_token_id":-1}""", "eos_token_id: found -1")]
    [InlineData("""{"model_type":"llama","eos_token_id":[1,"x"]}""", "eos_token_id: found \"x\"")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"linear"}}""", "rope_scaling.factor: missing")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"linear","factor":0.5}}""", "rope_scaling.factor: found 0.5")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"yarn"}}""", "rope_scaling.factor: missing")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"yarn","factor":2,"beta_fast":1,"beta_slow":2}}""", "beta_fast: found 1")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"llama3","factor":2}}""", "low_freq_factor: missing")]
    [InlineData("""{"model_type":"llama","rope_scaling":{"type":"llama3","factor":2,"low_freq_factor":4,"high_freq_factor":1}}""", "high_freq_factor: found 1")]
    [InlineData("""{"model_type":"llama","rope_scaling":"linear"}""", "rope_scaling: found \"linear\", expected an object")]
    [InlineData("""{"model_type":"llama","head_dim":2,"rope_scaling":{"type":"dynamic","factor":2}}""", "head_dim: found 2")]
    [InlineData("""{"model_type":"qwen2","num_hidden_layers":2,"layer_types":["full_attention"]}""", "layer_types: found 1 entries")]
    [InlineData("""{"model_type":"qwen2","num_hidden_layers":1,"layer_types":["sliding_attention"]}""", "there is no window")]
    [InlineData("""{"model_type":"qwen2","layer_types":"full_attention"}""", "layer_types")]
    [InlineData("""{"model_type":"mistral","sliding_window":0}""", "sliding_window: found 0")]
    [InlineData("""{"model_type":"llama","model_type":"llama"}""", "JSON")]
    [InlineData("""[1]""", "JSON object")]
    [InlineData("""{"model_type":"ll""", "JSON")]
    [InlineData("", "JSON")]
    public void Bad_values_are_refused_with_key_found_and_expected(string json, string says)
    {
        var error = Assert.Throws<IccFormatException>(() => Load(json));
        Assert.StartsWith(_folder.At("config.json"), error.Message);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Missing_huge_and_binary_files_are_refused()
    {
        Assert.Contains("no such file", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.Path)).Message);
        Assert.Contains("no such file", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.At("none"))).Message);
        _folder.Write("config.json", [0xC3, 0x28]);
        Assert.Contains("UTF-8", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.Path)).Message);
        _folder.Write("config.json", new byte[JsonFile.MaxConfigLength + 1]);
        Assert.Contains("at most", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.Path)).Message);
        _folder.Write("config.json", new string('[', 100_000));
        Assert.Contains("JSON", Assert.Throws<IccFormatException>(() => ModelConfig.Load(_folder.Path)).Message);
    }

    [Fact]
    public void A_byte_order_mark_is_no_error()
    {
        _folder.Write("config.json", [0xEF, 0xBB, 0xBF, .. """{"model_type":"llama"}"""u8]);
        Assert.Equal("llama", ModelConfig.Load(_folder.Path).ModelType);
    }

    private static (int, int, int, int, int, int, int) Sizes(ModelConfig c) =>
        (c.VocabSize, c.HiddenSize, c.IntermediateSize, c.NumHiddenLayers, c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim);

    private RopeConfig Rope(string json) => Load("""{"model_type":"llama",""" + json[1..]).Rope;

    private ModelConfig Load(string json) => ModelConfig.Load(_folder.Write("config.json", json));
}
