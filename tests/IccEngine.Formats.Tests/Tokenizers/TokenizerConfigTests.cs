using System.Text.Json.Nodes;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests.Tokenizers;

public sealed class TokenizerConfigTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("icc-config").FullName;

    public void Dispose() => Directory.Delete(folder, true);

    public static TheoryData<string> Names => [.. Goldens.Folders("tokenizers").DefaultIfEmpty("")];

    [SkippableTheory]
    [Trait("Category", "Goldens")]
    [MemberData(nameof(Names))]
    public void ReadsTheFilesOfTheGoldens(string name)
    {
        Skip.If(name.Length == 0, $"no tokenizer goldens below {Goldens.At("tokenizers")}");
        var config = TokenizerConfig.Load(Goldens.At("tokenizers", name));
        var json = JsonNode.Parse(File.ReadAllBytes(Goldens.At("tokenizers", name, "tokenizer_config.json")))!;
        Assert.Equal(Content(json["bos_token"]), config.BosToken);
        Assert.Equal(Content(json["eos_token"]), config.EosToken);
        Assert.Equal(Content(json["pad_token"]), config.PadToken);
        Assert.Equal(Content(json["unk_token"]), config.UnkToken);
        var beside = Goldens.At("tokenizers", name, "chat_template.jinja");
        Assert.Equal(File.Exists(beside) ? File.ReadAllText(beside) : Content(json["chat_template"]), config.ChatTemplate);

        static string? Content(JsonNode? node) => node is JsonObject token ? (string?)token["content"] : (string?)node;
    }

    [Fact]
    public void ReadsTokensAsObjectsAndTemplatesAsAList()
    {
        Write("""
            {"bos_token": {"content": "<b>", "lstrip": false}, "eos_token": null, "image_token": "<i>", "add_bos_token": true, "add_eos_token": false,
             "chat_template": [{"name": "default", "template": "one"}, {"name": "tools", "template": "two"}]}
            """);
        var config = TokenizerConfig.Load(folder);
        Assert.Equal(("<b>", null, "<i>"), (config.BosToken, config.EosToken, config.SpecialTokens["image_token"]));
        Assert.Equal((true, false), (config.AddBosToken, config.AddEosToken));
        Assert.Equal(("one", "two"), (config.ChatTemplate, config.ChatTemplates["tools"]));
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "three");
        Assert.Equal("three", TokenizerConfig.Load(folder).ChatTemplate);
    }

    [Fact]
    public void AnEmptyFolderHasNothing()
    {
        var config = TokenizerConfig.Load(folder);
        Assert.Empty(config.SpecialTokens);
        Assert.Null(config.ChatTemplate);
        Assert.Null(config.AddBosToken);
    }

    [Theory]
    [InlineData("{\"bos_token\": 7}", "bos_token")]
    [InlineData("{\"bos_token\": {}}", "content")]
    [InlineData("{\"chat_template\": 7}", "chat_template")]
    [InlineData("{\"chat_template\": [{\"name\": \"a\"}]}", "template")]
    [InlineData("{\"chat_template\": [{\"name\": \"a\", \"template\": \"\"}, {\"name\": \"a\", \"template\": \"\"}]}", "twice")]
    [InlineData("{\"add_bos_token\": \"yes\"}", "add_bos_token")]
    [InlineData("{", "JSON")]
    public void WrongTypesAreRefused(string text, string named)
    {
        Write(text);
        var error = Assert.Throws<IccFormatException>(() => TokenizerConfig.Load(folder));
        Assert.StartsWith(Path.Combine(folder, "tokenizer_config.json"), error.Message, StringComparison.Ordinal);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATemplateThatIsNotUtf8IsRefused()
    {
        File.WriteAllBytes(Path.Combine(folder, "chat_template.jinja"), [0x61, 0xFF]);
        Assert.Throws<IccFormatException>(() => TokenizerConfig.Load(folder));
    }

    private void Write(string text) => File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), text);
}
