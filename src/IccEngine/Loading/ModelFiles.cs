using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>
/// The files of a model: of a folder, or of the model that is embedded in the program. What has to do with text is read when it is first
/// asked for: token ids go through a model without a tokenizer.
/// </summary>
internal sealed class ModelFiles
{
    private const string SpecName = "icc.json";
    private readonly Lazy<Tokenizer> _tokenizer;
    private readonly Lazy<ChatFormat?> _chat;

    private ModelFiles(
        string name, ModelConfig config, Checkpoint checkpoint, IccSpec? spec, Func<Tokenizer> tokenizer, Func<TokenizerConfig>? tokenizerConfig)
    {
        (Name, Config, Checkpoint, Spec) = (name, config, checkpoint, spec);
        _tokenizer = new Lazy<Tokenizer>(tokenizer);
        _chat = new Lazy<ChatFormat?>(() =>
            tokenizerConfig?.Invoke() is { ChatTemplate: { } source } found ? new ChatFormat(source, name, found, Tokenizer) : null);
    }

    public string Name { get; }

    public ModelConfig Config { get; }

    public Checkpoint Checkpoint { get; }

    /// <summary>icc.json, where the model has one.</summary>
    public IccSpec? Spec { get; }

    public Tokenizer Tokenizer => _tokenizer.Value;

    /// <summary>The chat template, where the model has one.</summary>
    public ChatFormat? Chat => _chat.Value;

    /// <summary>How points are written for the model: as its icc.json says, else as the paper does.</summary>
    /// <param name="originalSpans">Whether points are found by the rule of the paper's code.</param>
    /// <exception cref="IccArgumentException">That rule is asked for, and the model does not take the paper's prompt.</exception>
    public IPromptFormat FormatFor(bool originalSpans) => Spec switch
    {
        null => new PaperFormat(Tokenizer, Chat is null ? null : Chat.Render) { OriginalSpans = originalSpans },
        _ when originalSpans => throw new IccArgumentException($"the original's span rule is for the paper's prompt; {Name} has a prompt of its own"),
        _ => new EchoFormat(Spec, Tokenizer, Name),
    };

    /// <summary>A model folder in the layout of the Hugging Face hub, with icc.json where the model has one.</summary>
    public static ModelFiles Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new IccFormatException(folder, "no such folder; expected a model in the layout of the Hugging Face hub");
        }
        var config = ModelConfig.Load(folder);
        var path = Path.Combine(folder, SpecName);
        var spec = File.Exists(path) ? IccSpec.Load(path) : null;
        return new ModelFiles(
            folder, config, Checkpoint.Open(folder), spec, () => Tokenizer.Load(Path.Combine(folder, "tokenizer.json")),
            () => TokenizerConfig.Load(folder));
    }

    /// <summary>The embedded model.</summary>
    public static ModelFiles ReadEmbedded()
    {
        const string name = "icc-tiny (embedded)";
        return new ModelFiles(
            name, ModelConfig.Parse($"{name}/config.json", Resource("config.json")),
            Checkpoint.Parse($"{name}/model.safetensors", Resource("model.safetensors")), IccSpec.Parse(Resource(SpecName), $"{name}/{SpecName}"),
            () => Tokenizer.Parse(Resource("tokenizer.json"), $"{name}/tokenizer.json"), null);
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
