using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>
/// A decoder-only language model of the Llama family on a backend: its weights and the one forward pass. It holds no state of a
/// conversation; that is <see cref="InferenceSession"/>. Any number of sessions, on any number of threads, may use one model.
/// </summary>
public sealed class CausalLM : IDisposable
{
    private readonly Checkpoint _checkpoint;
    private readonly WeightLoader _weights;
    private readonly EmbeddingLayer _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly Weight _norm;
    private readonly LinearLayer _head;

    private CausalLM(ModelConfig config, Checkpoint checkpoint, IBackend backend, WeightFormat format)
    {
        (Config, Backend, WeightFormat, _checkpoint) = (config, backend, format, checkpoint);
        _weights = new WeightLoader(checkpoint, backend, format);
        try
        {
            Modules = new ModuleNames(config.NumHiddenLayers);
            var table = _weights.Load("model.embed_tokens.weight", config.VocabSize, config.HiddenSize);
            _embedding = new EmbeddingLayer(ModuleNames.Embedding, table);
            var tableBytes = _weights.MatrixBytes;
            _layers = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(LoadLayer)];
            _norm = _weights.Load("model.norm.weight", config.HiddenSize);
            _head = new LinearLayer(
                Modules.Head, config.TieWordEmbeddings ? table : _weights.Load("lm_head.weight", config.VocabSize, config.HiddenSize), null);
            StepBytes = _weights.MatrixBytes - (config.TieWordEmbeddings ? 0 : tableBytes);
        }
        catch
        {
            _weights.Dispose();
            throw;
        }
    }

    /// <summary>Architecture.</summary>
    public ModelConfig Config { get; }

    /// <summary>Where the model computes.</summary>
    public IBackend Backend { get; }

    /// <summary>How the matrices are held.</summary>
    public WeightFormat WeightFormat { get; }

    /// <summary>Bytes of the linear layers and of the output matrix, as the backend holds them: what a decoded token reads of the weights.</summary>
    public long StepBytes { get; }

    /// <summary>Folder or file of the weights, as given.</summary>
    public string Path => _checkpoint.Path;

    internal ModuleNames Modules { get; }

    internal Checkpoint Checkpoint => _checkpoint;

    /// <summary>Opens a model folder in the layout of the Hugging Face hub. Weights stay mapped; the backend takes what it needs.</summary>
    /// <param name="folder">Folder with config.json and model.safetensors, or shards with an index.</param>
    /// <param name="backend">Where to compute; not disposed with the model.</param>
    /// <param name="format">How the matrices are held.</param>
    /// <exception cref="IccFormatException">A file is missing or malformed, or a tensor has another shape than the architecture says.</exception>
    /// <exception cref="IccUnsupportedException">The architecture, or the type of a tensor, is not supported, or a tensor cannot be held so.</exception>
    public static CausalLM Load(string folder, IBackend backend, WeightFormat format = WeightFormat.Stored) =>
        Load(ModelConfig.Load(folder), Checkpoint.Open(folder), backend, format);

    /// <summary>Puts a model together from its parts.</summary>
    /// <param name="config">Architecture.</param>
    /// <param name="checkpoint">Weights; disposed with the model, and also where this call fails.</param>
    /// <param name="backend">Where to compute; not disposed with the model.</param>
    /// <param name="format">How the matrices are held.</param>
    /// <exception cref="IccFormatException">A tensor is missing or has another shape than the architecture says.</exception>
    /// <exception cref="IccUnsupportedException">The type of a tensor is not supported, or a tensor cannot be held so.</exception>
    public static CausalLM Load(ModelConfig config, Checkpoint checkpoint, IBackend backend, WeightFormat format = WeightFormat.Stored)
    {
        using var activity = Telemetry.Begin(Telemetry.Load);
        try
        {
            return new CausalLM(config, checkpoint, backend, format);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Gives the weights back and closes the files. No session of the model may be used afterwards.</summary>
    public void Dispose()
    {
        _weights.Dispose();
        _checkpoint.Dispose();
    }

    /// <summary>
    /// One batch through the model: the forward pass, written once. Keys and values of the batch are in the cache afterwards, up to the
    /// last layer that ran.
    /// </summary>
    /// <returns>False where it stopped at a tap; else the final norm of the wanted rows stands in the state's normed rows.</returns>
    internal bool Forward(ForwardState state, ForwardBatch batch, ForwardOptions options, CancellationToken cancellation)
    {
        var rows = batch.Rows;
        _embedding.Forward(state, batch.Ids.AsSpan(0, rows), state.Hidden.Rows(0, rows));
        batch.ReportHidden(options, "embed", null, state.Hidden);
        for (var layer = 0; layer <= batch.LastLayer; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            var stopsHere = layer == batch.LastLayer && batch.StopsAtTap;
            var call = _layers[layer].Project(state, batch.SequencesAt(layer), rows, withValues: !stopsHere);
            Backend.Attention(call);
            batch.ReportAttention(options, Backend, call);
            if (stopsHere)
            {
                return false;
            }
            // Above the last layer only some rows are looked at: the rest of that layer is done for these alone.
            foreach (var (first, count) in layer == _layers.Length - 1 ? batch.WantedRuns : batch.AllRuns)
            {
                _layers[layer].Finish(state, first, count);
            }
            batch.ReportHidden(options, "layer", layer, state.Hidden);
        }
        foreach (var (first, count) in batch.WantedRuns)
        {
            Backend.RmsNorm(state.Hidden.Rows(first, count), _norm, (float)Config.RmsNormEps, state.Normed.Rows(first, count));
        }
        batch.ReportHidden(options, "final_norm", null, state.Normed);
        return true;
    }

    /// <summary>Logits [count, vocab] of rows whose final norm is in the state.</summary>
    internal void Logits(ForwardState state, int first, int count, Tensor logits) =>
        _head.Forward(state, state.Normed.Rows(first, count), logits, first);

    private DecoderLayer LoadLayer(int layer)
    {
        var name = $"model.layers.{layer}.";
        var (hidden, ffn) = (Config.HiddenSize, Config.IntermediateSize);
        var (queries, keys) = (Config.NumAttentionHeads * Config.HeadDim, Config.NumKeyValueHeads * Config.HeadDim);
        return new DecoderLayer
        {
            Index = layer,
            InputNorm = _weights.Load(name + "input_layernorm.weight", hidden),
            Query = Linear(layer, "self_attn.q_proj", queries, hidden, Config.AttentionBias),
            Key = Linear(layer, "self_attn.k_proj", keys, hidden, Config.AttentionBias),
            Value = Linear(layer, "self_attn.v_proj", keys, hidden, Config.AttentionBias),
            Output = Linear(layer, "self_attn.o_proj", hidden, queries, Config.AttentionOutputBias),
            QueryNorm = Config.QkNorm ? _weights.Load(name + "self_attn.q_norm.weight", Config.HeadDim) : null,
            KeyNorm = Config.QkNorm ? _weights.Load(name + "self_attn.k_norm.weight", Config.HeadDim) : null,
            PostAttentionNorm = _weights.Load(name + "post_attention_layernorm.weight", hidden),
            Gate = Linear(layer, "mlp.gate_proj", ffn, hidden, Config.MlpBias),
            Up = Linear(layer, "mlp.up_proj", ffn, hidden, Config.MlpBias),
            Down = Linear(layer, "mlp.down_proj", hidden, ffn, Config.MlpBias),
            Mask = new AttentionMask(Causal: true, Config.LayerWindows[layer]),
        };
    }

    private LinearLayer Linear(int layer, string module, int outputs, int inputs, bool bias)
    {
        var name = $"model.layers.{layer}.{module}";
        return new LinearLayer(
            Modules.IndexOf(name), _weights.Load(name + ".weight", outputs, inputs), bias ? _weights.Load(name + ".bias", outputs) : null);
    }
}
