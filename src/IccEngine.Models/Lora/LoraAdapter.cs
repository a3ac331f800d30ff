using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>What an adapter does to one module, on the model's backend.</summary>
/// <param name="A">[r, in]; for the embedding [vocab, r].</param>
/// <param name="B">[out, r]</param>
/// <param name="Scale">Factor of B A.</param>
/// <param name="Weight">Replaces the module's weight (saved modules, DoRA, merged adapters).</param>
/// <param name="Bias">Replaces the module's bias.</param>
internal sealed record LoraWeights(Weight? A, Weight? B, float Scale, Weight? Weight, Weight? Bias) : IDisposable
{
    public void Dispose()
    {
        A?.Dispose();
        B?.Dispose();
        Weight?.Dispose();
        Bias?.Dispose();
    }
}

/// <summary>
/// A PEFT adapter on a model. Several may be loaded at one time; a sequence names the one that its tokens pass through
/// (<see cref="InferenceSession.Begin"/>), and one batch may hold sequences of different adapters. Unmerged, it costs two thin products
/// a module; merged, a float32 copy of every weight that it changes (in the model's format, where that is int8) and no time. DoRA is
/// always applied merged.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    private readonly AdapterFile _file;

    private LoraAdapter(CausalLM model, AdapterFile file, LoraWeights?[] modules)
    {
        (Model, _file, Modules) = (model, file, modules);
        Rank = modules.Max(m => m?.B?.Shape[1] ?? 0);
    }

    /// <summary>The model that it was made for.</summary>
    public CausalLM Model { get; }

    /// <summary>Largest rank of its unmerged modules, 0 where all are merged: what a session must have room for.</summary>
    public int Rank { get; }

    internal LoraWeights?[] Modules { get; }

    /// <summary>Loads adapter_config.json and adapter_model.safetensors.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="folder">The adapter's folder.</param>
    /// <param name="merged">Whether to merge every module into a copy of its weight.</param>
    /// <exception cref="IccFormatException">A file is missing or malformed, or does not fit the model.</exception>
    /// <exception cref="IccUnsupportedException">The adapter asks for something that is not supported.</exception>
    public static LoraAdapter Load(CausalLM model, string folder, bool merged = false)
    {
        var file = AdapterFile.Open(folder);
        var modules = new LoraWeights?[model.Modules.Names.Count];
        try
        {
            foreach (var module in file.Modules)
            {
                var index = model.Modules.IndexOf(module.Name);
                if (index < 0)
                {
                    throw new IccFormatException(file.Path, $"module {module.Name}: the base model has no such module");
                }
                modules[index] = Load(model, file, module, merged);
            }
            return new LoraAdapter(model, file, modules);
        }
        catch
        {
            Array.ForEach(modules, m => m?.Dispose());
            file.Dispose();
            throw;
        }
    }

    /// <summary>Gives the memory back and closes the file. No sequence that names it may be used afterwards.</summary>
    public void Dispose()
    {
        Array.ForEach(Modules, m => m?.Dispose());
        _file.Dispose();
    }

    private static LoraWeights Load(CausalLM model, AdapterFile file, LoraModule module, bool merged)
    {
        var backend = model.Backend;
        var target = BaseWeight(model, module.Name);
        CheckShapes(file, module, target);
        var bias = module.Bias is null ? null : backend.LoadWeight(module.Bias);
        if (module.SavedWeight is not null)
        {
            return new LoraWeights(null, null, 0, backend.LoadWeight(module.SavedWeight, model.WeightFormat), bias);
        }
        if (merged || module.Magnitude is not null)
        {
            var values = LoraMerge.Merge(target, module);
            var weight = backend.LoadWeight(HostTensor.FromArray(module.Name, values, [.. target.Extents]), model.WeightFormat);
            return new LoraWeights(null, null, 0, weight, bias);
        }
        var a = module.EmbeddingA is { } embedding
            ? HostTensor.FromArray(embedding.Name, LoraMerge.Transposed(embedding), embedding.Extents[1], embedding.Extents[0])
            : module.A;
        var b = module.EmbeddingB ?? module.B;
        return new LoraWeights(
            a is null ? null : backend.LoadWeight(a), b is null ? null : backend.LoadWeight(b), module.Scale, null, bias);
    }

    private static HostTensor BaseWeight(CausalLM model, string module)
    {
        var tied = module == "lm_head" && model.Config.TieWordEmbeddings;
        return model.Checkpoint.Get((tied ? "model.embed_tokens" : module) + ".weight");
    }

    /// <summary>The adapter's outer extents must be those of the weight that it changes.</summary>
    private static void CheckShapes(AdapterFile file, LoraModule module, HostTensor target)
    {
        var (outputs, inputs) = (target.Extents[0], target.Extents[1]);
        Check(module.A, 1, inputs);
        Check(module.B, 0, outputs);
        Check(module.EmbeddingA, 1, outputs);
        Check(module.EmbeddingB, 0, inputs);
        Check(module.Bias, 0, outputs);
        Check(module.Magnitude, 0, outputs);
        Check(module.SavedWeight, 0, outputs);
        Check(module.SavedWeight, 1, inputs);

        void Check(HostTensor? tensor, int dimension, long expected)
        {
            if (tensor is not null && tensor.Extents[dimension] != expected)
            {
                throw new IccFormatException(
                    file.Path, $"tensor {tensor.Name}: extent {dimension} is {tensor.Extents[dimension]}, expected {expected} by the base model");
            }
        }
    }
}
