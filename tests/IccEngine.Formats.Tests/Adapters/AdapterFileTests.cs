using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class AdapterFileTests : IDisposable
{
    private const string Plain = """{"peft_type":"LORA","r":2,"lora_alpha":6,"target_modules":["q_proj","embed_tokens"],"modules_to_save":["norm"]}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Low_rank_embedding_and_saved_parts_are_sorted_to_modules()
    {
        Write(Plain, ("l.0.q_proj.lora_A.weight", [2, 5]), ("l.0.q_proj.lora_B.weight", [4, 2]),
            ("embed_tokens.lora_embedding_A", [2, 9]), ("embed_tokens.lora_embedding_B", [5, 2]),
            ("norm.weight", [5]), ("lm_head.weight", [9, 5]), ("embed_tokens.base_layer.weight", [9, 5]));
        using var file = AdapterFile.Open(_folder.Path);
        Assert.Equal(["embed_tokens", "l.0.q_proj", "lm_head", "norm"], file.Modules.Select(m => m.Name));
        Assert.Equal([2, 2, 0, 0], file.Modules.Select(m => m.Rank));
        Assert.Equal(3f, file.Modules[1].Scale);
        Assert.NotNull(file.Modules[0].SavedWeight);
        Assert.Null(file.Modules[3].A);
    }

    public static TheoryData<string, string, long[], string> Misfits => new()
    {
        { Plain, "l.0.k_proj.lora_A.weight", [2, 5], "not a target" },
        { Plain, "l.0.q_proj.lora_C.weight", [2, 5], "unknown" },
        { Plain, "l.0.q_proj.lora_A", [2, 5], "unknown" },
        { Plain, "l.0.q_proj.lora_magnitude_vector", [4], "use_dora" },
        { Plain, "l.0.q_proj.bias", [4], "a stored bias" },
        { Plain, "l.0.q_proj.base_layer.bias", [4], "a stored bias" },
        { Plain, "l.1.q_proj.lora_A.weight", [2, 5], "expected both" },
        { Plain, "l.1.q_proj.lora_B.weight", [4, 2], "expected both" },
        { Plain, "embed_tokens.lora_embedding_A", [2, 9], "expected both" },
        { Plain, "l.0.q_proj.weight", [4, 5], "a weight stored whole" },
        { Plain, "norm.weight", [5, 1, 1], "3 dimensions" },
        { Plain, "norm.bias", [5, 1], "found [5, 1]" },
        { Plain, "norm.weight", [0], "found [0]" },
        { Plain, ".lora_A.weight", [2, 5], "unknown" },
        { Plain.Replace("\"r\":2", "\"r\":3", StringComparison.Ordinal), "norm.weight", [5], "found [2, 5], expected [3, any]" },
        { Plain.Replace("\"r\":2", "\"r\":2,\"rank_pattern\":{\"q_proj\":1}", StringComparison.Ordinal), "norm.weight", [5], "expected [1, any]" },
        { Plain.Replace("\"r\":2", "\"r\":2,\"use_dora\":true", StringComparison.Ordinal), "norm.weight", [5], "expected a lora_magnitude_vector" },
        { Plain.Replace("\"r\":2", "\"r\":2,\"use_dora\":true", StringComparison.Ordinal), "l.0.q_proj.lora_magnitude_vector", [5], "found [5], expected [4]" },
        { Plain.Replace("\"r\":2", "\"r\":2,\"bias\":\"lora_only\"", StringComparison.Ordinal), "l.0.k_proj.bias", [4], "a stored bias" },
        { Plain.Replace("\"r\":2", "\"r\":2,\"bias\":\"lora_only\"", StringComparison.Ordinal), "l.0.q_proj.bias", [5], "found [5], expected [4]" },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void Tensors_that_do_not_fit_are_refused_by_name(string config, string extra, long[] extents, string says)
    {
        Write(config, ("l.0.q_proj.lora_A.weight", [2, 5]), ("l.0.q_proj.lora_B.weight", [4, 2]), (extra, extents));
        var error = Assert.Throws<IccFormatException>(() => AdapterFile.Open(_folder.Path));
        Assert.StartsWith($"{_folder.At(AdapterFile.WeightsName)}: tensor 'base_model.model.", error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void Names_without_the_prefix_integers_and_doubles_are_refused()
    {
        _folder.Write(AdapterFile.ConfigName, Plain);
        WriteTensors(HostTensor.FromArray("l.0.q_proj.lora_A.weight", new float[10], 2, 5));
        Refused("begins with base_model.model.");
        WriteTensors(HostTensor.FromArray("base_model.model.q_proj.lora_A.weight", new long[10], 2, 5));
        Refused("found I64");
        WriteTensors(HostTensor.FromArray($"base_model.model.{new string('x', 600)}.weight", new float[10], 2, 5));
        Refused("characters");
        WriteTensors();
        Refused("found no tensors");
        WriteTensors(HostTensor.FromArray("base_model.model.lm_head.weight", new float[1], 1),
            HostTensor.FromArray("base_model.model.lm_head.base_layer.weight", new float[1], 1));
        Refused("under another name");
    }

    [Fact]
    public void Dora_of_an_embedding_is_not_supported()
    {
        Write(Plain.Replace("\"r\":2", "\"r\":2,\"use_dora\":true", StringComparison.Ordinal),
            ("embed_tokens.lora_embedding_A", [2, 9]), ("embed_tokens.lora_embedding_B", [5, 2]), ("embed_tokens.lora_magnitude_vector", [9]));
        Assert.Contains("DoRA", Assert.Throws<IccUnsupportedException>(() => AdapterFile.Open(_folder.Path)).Message);
    }

    [Fact]
    public void Missing_files_and_pickles_are_refused_by_name()
    {
        Refused("adapter_config.json: no such file");
        _folder.Write(AdapterFile.ConfigName, Plain);
        Refused("adapter_model.safetensors: no such file");
        _folder.Write("adapter_model.bin", "x");
        Refused("adapter_model.bin");
        Assert.Contains("no such folder", Assert.Throws<IccFormatException>(() => AdapterFile.Open(_folder.At("none"))).Message);
    }

    private void Refused(string says) => Assert.Contains(says, Assert.Throws<IccFormatException>(() => AdapterFile.Open(_folder.Path)).Message);

    private void Write(string config, params (string Name, long[] Extents)[] tensors)
    {
        _folder.Write(AdapterFile.ConfigName, config);
        WriteTensors([.. tensors.Select(t => HostTensor.FromArray($"base_model.model.{t.Name}", new float[t.Extents.Aggregate(1L, (n, e) => n * e)], t.Extents))]);
    }

    private void WriteTensors(params HostTensor[] tensors) =>
        SafeTensorsWriter.Write(_folder.At(AdapterFile.WeightsName), tensors.Select(t => SafeTensorsItem.From(t)));
}
