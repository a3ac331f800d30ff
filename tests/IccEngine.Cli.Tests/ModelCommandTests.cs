using IccEngine.Formats;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Cli.Tests;

/// <summary>icc inspect and icc generate, from outside.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model = SmallModel.Write(vocabulary: 50, hidden: 16, layers: 2, heads: 2, kvHeads: 1, ffn: 24);

    public void Dispose()
    {
        _folder.Dispose();
        Directory.Delete(_model, recursive: true);
    }

    [Fact]
    public void Inspect_writes_everything_under_the_names_of_the_expected_values()
    {
        var path = Path.Combine(_folder.Path, "out.safetensors");
        var outcome = Icc.Run(
            "inspect", "--model", _model, "--ids", "1,5,7,9,3", "--spans", "0:2,2:5", "--singles", "4", "--attention", "1", "--attention", "0:1", "--out", path);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        using var file = SafeTensorsFile.Open(path);
        var shapes = file.Tensors.ToDictionary(t => t.Name, t => string.Join(',', t.Extents));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["input_ids"] = "5",
                ["logits"] = "5,50",
                ["hidden.embed"] = "5,16",
                ["hidden.layer0"] = "5,16",
                ["hidden.layer1"] = "5,16",
                ["hidden.final_norm"] = "5,16",
                ["attn.layer1"] = "2,5,5",
                ["attn.layer0.head1"] = "5,5",
                ["pool0.A_II"] = "2,2,2",
                ["pool0.A_OI"] = "2,1,2",
                ["pool0.A_OO"] = "2,1,1",
            },
            shapes);
        var map = file.Get("attn.layer1").ToSingles();
        Assert.All(map.Chunk(5), row => Assert.Equal(1, row.Sum(), 5));
        var pooled = file.Get("pool0.A_II").ToSingles();
        // Layer 1, span 1 to span 0, from the map itself: rows 2..4, columns 0..1, mean over two heads.
        var mean = Enumerable.Range(0, 2).Average(h => Enumerable.Range(2, 3).Average(q => Enumerable.Range(0, 2).Average(k => map[(h * 25) + (q * 5) + k])));
        Assert.Equal(mean, pooled[4 + 2], 5);
    }

    [Fact]
    public void Inspect_reads_prompts_and_chats()
    {
        var chat = Path.Combine(_folder.Path, "chat.json");
        File.WriteAllText(chat, """[{"role": "user", "content": "Hello"}]""");
        foreach (var source in new string[][] { ["--prompt", "Hello"], ["--chat", chat] })
        {
            var path = Path.Combine(_folder.Path, $"{source[0]}.safetensors");
            Assert.Equal(0, Icc.Run(["inspect", "--model", Icc.ChatModel, "--out", path, .. source]).ExitCode);
            using var file = SafeTensorsFile.Open(path);
            Assert.True(file.Get("input_ids").Elements > 1);
        }
    }

    [Theory]
    [InlineData("none", "weights: f32; ")]
    [InlineData("int8", "weights: int8 in groups of 32, from f32; ")]
    public void Inspect_says_how_the_weights_are_held(string quantize, string expected)
    {
        var outcome = Icc.Run("inspect", "--model", _model, "--quantize", quantize, "--ids", "1,5", "--out", Path.Combine(_folder.Path, $"{quantize}.safetensors"));
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith(expected, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_quantisation_is_refused_in_one_line()
    {
        var outcome = Icc.Run("generate", "--model", _model, "--ids", "1", "--quantize", "int4");
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Contains("int4", outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_streams_text()
    {
        var outcome = Icc.Run("generate", "--model", Icc.ChatModel, "--prompt", "Hello", "--max-new-tokens", "8");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.True(outcome.Output.Trim().Length > 0);
    }

    [Theory]
    [InlineData("token id 50", "inspect", "--ids", "1,50")]
    [InlineData("--ids: found 'a'", "inspect", "--ids", "1,a")]
    [InlineData("exactly one", "inspect")]
    [InlineData("exactly one", "inspect", "--ids", "1", "--prompt", "x")]
    [InlineData("tokenizer.json: no such file", "inspect", "--prompt", "x")]
    [InlineData("chat template", "inspect", "--chat", "x.json")]
    [InlineData("--spans: found '3'", "inspect", "--ids", "1,2", "--spans", "3")]
    [InlineData("span 1", "inspect", "--ids", "1,2,3", "--spans", "0:2,1:3")]
    [InlineData("reaches position 4", "inspect", "--ids", "1,2", "--spans", "0:5")]
    [InlineData("--attention: found '1:x'", "inspect", "--ids", "1,2", "--attention", "1:x")]
    [InlineData("layer 2", "inspect", "--ids", "1,2", "--attention", "2")]
    [InlineData("-1 new tokens", "generate", "--ids", "1", "--max-new-tokens", "-1")]
    [InlineData("temperature -1", "generate", "--ids", "1", "--temperature", "-1")]
    [InlineData("top-k -1", "generate", "--ids", "1", "--top-k", "-1")]
    [InlineData("top-p 0", "generate", "--ids", "1", "--top-p", "0")]
    [InlineData("min-p 2", "generate", "--ids", "1", "--min-p", "2")]
    [InlineData("0 samples", "generate", "--ids", "1", "--n", "0")]
    public void Bad_requests_are_refused_in_one_line(string expected, string command, params string[] options)
    {
        var path = Path.Combine(_folder.Path, "never.safetensors");
        string[] output = command == "inspect" ? ["--out", path] : [];
        var outcome = Icc.Run([command, "--model", _model, .. options, .. output]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("icc: ", outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("config.json", "no such file")]
    [InlineData("model.safetensors", "model.safetensors")]
    public void Missing_files_are_named(string name, string expected)
    {
        File.Delete(Path.Combine(_model, name));
        var outcome = Icc.Run("inspect", "--model", _model, "--ids", "1", "--out", Path.Combine(_folder.Path, "x"));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(expected, outcome.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_files_are_refused_in_one_line()
    {
        foreach (var name in new[] { "config.json", "model.safetensors" })
        {
            var path = Path.Combine(_model, name);
            var good = File.ReadAllBytes(path);
            foreach (var length in new[] { 0, 1, 7, 9, good.Length / 2, good.Length - 1 })
            {
                File.WriteAllBytes(path, good[..length]);
                var outcome = Icc.Run("inspect", "--model", _model, "--ids", "1", "--out", Path.Combine(_folder.Path, "x"));
                Assert.Equal(1, outcome.ExitCode);
                Assert.Contains(name, outcome.ErrorLine, StringComparison.Ordinal);
            }
            File.WriteAllBytes(path, good);
        }
    }

    [Fact]
    public void The_version_is_printed()
    {
        var outcome = Icc.Run("--version");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\s*$", outcome.Output);
    }
}
