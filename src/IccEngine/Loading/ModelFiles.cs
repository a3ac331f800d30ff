using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>The files of a model, read: of a folder, or of the model that is embedded in the program.</summary>
internal sealed record ModelFiles(
    string Name, ModelConfig Config, Checkpoint Checkpoint, Tokenizer Tokenizer, ChatFormat? Chat, IccSpec? Spec)
{
    private const string SpecName = "icc.json";

    /// <summary>A model folder in the layout of the Hugging Face hub, with icc.json where the model has one.</summary>
    public static ModelFiles Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new IccFormatException(folder, "no such folder; expected a model in the layout of the Hugging Face hub");
        }
        var config = ModelConfig.Load(folder);
        var tokenizer = Tokenizer.Load(Path.Combine(folder, "tokenizer.json"));
        var tokenizerConfig = TokenizerConfig.Load(folder);
        var chat = tokenizerConfig.ChatTemplate is { } source ? new ChatFormat(source, folder, tokenizerConfig, tokenizer) : null;
        var path = Path.Combine(folder, SpecName);
        var spec = File.Exists(path) ? IccSpec.Load(path) : null;
        return new ModelFiles(folder, config, Checkpoint.Open(folder), tokenizer, chat, spec);
    }

    /// <summary>The embedded model.</summary>
    public static ModelFiles ReadEmbedded()
    {
        const string name = "icc-tiny (embedded)";
        return new ModelFiles(
            name, ModelConfig.Parse($"{name}/config.json", Resource("config.json")),
            Checkpoint.Parse($"{name}/model.safetensors", Resource("model.safetensors")),
            Tokenizer.Parse(Resource("tokenizer.json"), $"{name}/tokenizer.json"),
            null,
            IccSpec.Parse(Resource(SpecName), $"{name}/{SpecName}"));
    }

    private static byte[] Resource(string file)
    {
        using var stream = typeof(ModelFiles).Assembly.GetManifestResourceStream($"icc-tiny/{file}")
            ?? throw new InvalidOperationException($"the program was built without its resource icc-tiny/{file}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
