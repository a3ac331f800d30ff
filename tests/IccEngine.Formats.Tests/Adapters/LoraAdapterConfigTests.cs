using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class LoraAdapterConfigTests : IDisposable
{
    private const string Query = "model.layers.1.self_attn.q_proj";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"target_modules\":[\"q_proj\"]", Query, true)]
    [InlineData("\"target_modules\":[\"proj\"]", Query, false)]
    [InlineData("\"target_modules\":[\"self_attn.q_proj\"]", Query, true)]
    [InlineData("\"target_modules\":[\"model.layers.1.self_attn.q_proj\"]", Query, true)]
    [InlineData("\"target_modules\":[\"model.layers.0.self_attn.q_proj\"]", Query, false)]
    [InlineData("\"target_modules\":[]", Query, false)]
    [InlineData("\"target_modules\":null", Query, true)]
    [InlineData("\"target_modules\":null", "model.layers.1.mlp.up_proj", false)]
    [InlineData("\"target_modules\":\"all-linear\"", Query, true)]
    [InlineData("\"target_modules\":\"All-Linear\"", "lm_head", false)]
    [InlineData("\"target_modules\":\".*q_proj\"", Query, true)]
    [InlineData("\"target_modules\":\"q_proj\"", Query, false)]
    [InlineData("\"target_modules\":\".*q_pro\"", Query, false)]
    [InlineData("\"target_modules\":\"x|.*[qk]_proj\"", Query, true)]
    [InlineData("\"target_modules\":\".*(?P<what>q)_proj\\\\Z\"", Query, true)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"exclude_modules\":[\"q_proj\"]", Query, false)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"exclude_modules\":\".*layers.0.*\"", Query, true)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"modules_to_save\":[\"self_attn\"]", Query, false)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":1", Query, true)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0,2]", Query, false)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[]", Query, true)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":\"layers\"", Query, true)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":[\"h\",\"blocks\"]", Query, false)]
    [InlineData("\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":[]", "model.q_proj", false)]
    public void Targets_follow_the_rules_of_peft(string settings, string module, bool targeted) =>
        Assert.Equal(targeted, Load(settings).Targets(module));

    [Fact]
    public void The_first_matching_pattern_gives_rank_and_alpha_and_both_enter_the_scale()
    {
        var config = Load("\"r\":4,\"lora_alpha\":8,\"rank_pattern\":{\"layers.[12].self_attn.q_proj\":16,\"q_proj\":2},\"alpha_pattern\":{\"self_attn.q_proj\":48}");
        Assert.Equal((16, 3f), (config.RankOf(Query), config.ScaleOf(Query)));
        Assert.Equal((2, 24f), (config.RankOf("model.layers.0.self_attn.q_proj"), config.ScaleOf("model.layers.0.self_attn.q_proj")));
        Assert.Equal((4, 2f), (config.RankOf("model.layers.0.xq_proj"), config.ScaleOf("model.layers.0.xq_proj")));
        Assert.Equal(12f, Load("\"r\":4,\"lora_alpha\":24,\"use_rslora\":true").ScaleOf(Query));
    }

    [Theory]
    [InlineData("\"peft_type\":\"IA3\"", "peft_type: found 'IA3'")]
    [InlineData("\"fan_in_fan_out\":true", "fan_in_fan_out: found true")]
    [InlineData("\"lora_bias\":true", "lora_bias")]
    [InlineData("\"layer_replication\":[[0,1]]", "layer_replication")]
    [InlineData("\"trainable_token_indices\":[3]", "trainable_token_indices")]
    [InlineData("\"target_parameters\":[\"x\"]", "target_parameters")]
    [InlineData("\"ensure_weight_tying\":true", "ensure_weight_tying")]
    [InlineData("\"init_lora_weights\":\"pissa_niter_16\"", "'pissa_niter_16'")]
    [InlineData("\"bias\":\"some\"", "bias: found 'some'")]
    public void Other_kinds_and_variants_are_refused_by_name(string settings, string says) =>
        Assert.Contains(says, Assert.Throws<IccUnsupportedException>(() => Load(settings)).Message);

    [Theory]
    [InlineData("\"r\":0", "r: found 0")]
    [InlineData("\"r\":1000000", "r: found 1000000")]
    [InlineData("\"r\":\"8\"", "r: found \"8\"")]
    [InlineData("\"lora_alpha\":-1", "lora_alpha: found -1")]
    [InlineData("\"target_modules\":5", "target_modules: found 5")]
    [InlineData("\"target_modules\":[5]", "target_modules: found 5")]
    [InlineData("\"target_modules\":[\"\"]", "target_modules: found an empty name")]
    [InlineData("\"target_modules\":\"(\"", "target_modules: '(' is no regular expression")]
    [InlineData("\"target_modules\":\"x\",\"layers_to_transform\":[1]", "layers_to_transform")]
    [InlineData("\"layers_to_transform\":[-1]", "layers_to_transform: found -1")]
    [InlineData("\"rank_pattern\":[]", "rank_pattern: found an array")]
    [InlineData("\"rank_pattern\":{\"q\":0}", "rank_pattern.q: found 0")]
    [InlineData("\"rank_pattern\":{\"q\":null}", "rank_pattern.q: missing")]
    [InlineData("\"rank_pattern\":{\"[\":1}", "rank_pattern: '['")]
    [InlineData("\"use_dora\":1", "use_dora: found 1")]
    [InlineData("\"modules_to_save\":\"lm_head\"", "modules_to_save")]
    public void Bad_values_are_refused(string settings, string says)
    {
        var error = Assert.Throws<IccFormatException>(() => Load(settings));
        Assert.StartsWith(_folder.At("adapter_config.json"), error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void A_hostile_expression_ends_in_time()
    {
        var config = Load("\"target_modules\":\"(.*.*)*x\"");
        var watch = Stopwatch.StartNew();
        Assert.Contains("takes too long", Assert.Throws<IccFormatException>(() => config.Targets(new string('a', 400))).Message);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"took {watch.Elapsed}");
        Assert.Contains("characters", Assert.Throws<IccFormatException>(() => Load($"\"target_modules\":\"{new string('a', 5000)}\"")).Message);
        var many = string.Join(",", Enumerable.Range(0, 5000).Select(i => $"\"p{i}\":1"));
        Assert.Contains("more than", Assert.Throws<IccFormatException>(() => Load($"\"rank_pattern\":{{{many}}}")).Message);
    }

    private LoraAdapterConfig Load(string settings) =>
        LoraAdapterConfig.Load(_folder.Write("adapter_config.json", settings.Contains("peft_type", StringComparison.Ordinal) ? $"{{{settings}}}" : $"{{\"peft_type\":\"LORA\",{settings}}}"));
}
