using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>Sorts the tensors of an adapter's file to modules and checks them against the configuration.</summary>
internal sealed class LoraModuleReader
{
    private const string Prefix = "base_model.model.";
    private const long MaxExtent = 1 << 24;
    private const int MaxNameLength = 512;

    // PEFT stores these whole when they were resized, named in modules_to_save or not.
    private static readonly string[] Embeddings = ["embed_tokens", "lm_head"];

    private readonly LoraAdapterConfig _config;
    private readonly string _file;
    private readonly SortedDictionary<string, LoraModule> _modules = new(StringComparer.Ordinal);

    private LoraModuleReader(LoraAdapterConfig config, string file) => (_config, _file) = (config, file);

    /// <summary>The modules by name.</summary>
    /// <exception cref="IccFormatException">A tensor is unknown, missing or of the wrong shape.</exception>
    /// <exception cref="IccUnsupportedException">A tensor belongs to a variant that is not supported.</exception>
    public static List<LoraModule> Read(LoraAdapterConfig config, SafeTensorsFile weights)
    {
        var reader = new LoraModuleReader(config, weights.Path);
        foreach (var tensor in weights.Tensors)
        {
            reader.Add(tensor);
        }
        var modules = reader._modules.Values.ToList();
        modules.ForEach(reader.Complete);
        return modules.Count > 0 ? modules : throw new IccFormatException(weights.Path, "found no tensors, expected those of an adapter");
    }

    private void Add(HostTensor tensor)
    {
        if (tensor.Name.Length > MaxNameLength)
        {
            throw new IccFormatException(_file, $"found a tensor name of {tensor.Name.Length} characters, expected at most {MaxNameLength}");
        }
        if (tensor.DType is not (DType.F32 or DType.F16 or DType.BF16 or DType.F64))
        {
            throw Error(tensor, $"found {DTypeNames.NameOf(tensor.DType)}, expected F32, F16, BF16 or F64");
        }
        if (tensor.Elements == 0 || tensor.Extents.Any(e => e > MaxExtent))
        {
            throw Error(tensor, $"found [{string.Join(", ", tensor.Extents)}], expected extents from 1 to {MaxExtent}");
        }
        var name = tensor.Name.StartsWith(Prefix, StringComparison.Ordinal)
            ? tensor.Name[Prefix.Length..]
            : throw Error(tensor, $"unknown; expected a name that begins with {Prefix}");
        if (!(AddLowRank(name, tensor) || AddBaseValue(name, tensor)))
        {
            throw Error(tensor, "unknown; expected lora_A.weight, lora_B.weight, lora_embedding_A, lora_embedding_B, lora_magnitude_vector, weight or bias");
        }
    }

    private bool AddLowRank(string name, HostTensor tensor)
    {
        if (Split(name, ".lora_A.weight") is { } a)
        {
            Target(a, tensor, m => m.A, m => m.A = tensor);
        }
        else if (Split(name, ".lora_B.weight") is { } b)
        {
            Target(b, tensor, m => m.B, m => m.B = tensor);
        }
        else if (Split(name, ".lora_embedding_A") is { } embeddingA)
        {
            Target(embeddingA, tensor, m => m.EmbeddingA, m => m.EmbeddingA = tensor);
        }
        else if (Split(name, ".lora_embedding_B") is { } embeddingB)
        {
            Target(embeddingB, tensor, m => m.EmbeddingB, m => m.EmbeddingB = tensor);
        }
        else if ((Split(name, ".lora_magnitude_vector") ?? Split(name, ".lora_magnitude_vector.weight")) is { } magnitude)
        {
            Target(magnitude, tensor, m => m.Magnitude, m => m.Magnitude = tensor);
        }
        else
        {
            return false;
        }
        return true;
    }

    private bool AddBaseValue(string name, HostTensor tensor)
    {
        if (name.Contains("lora_", StringComparison.Ordinal))
        {
            return false;
        }
        if ((Split(name, ".base_layer.weight") ?? Split(name, ".weight")) is { } saved)
        {
            if (!_config.IsSaved(saved) && !Embeddings.Contains(saved[(saved.LastIndexOf('.') + 1)..]))
            {
                throw Error(tensor, $"a weight stored whole, but modules_to_save of {AdapterFile.ConfigName} does not name {saved}");
            }
            Set(saved, tensor, m => m.SavedWeight, m => m.SavedWeight = tensor);
            return true;
        }
        if ((Split(name, ".base_layer.bias") ?? Split(name, ".bias")) is { } biased)
        {
            if (!_config.IsSaved(biased) && !(_config.Bias == LoraBias.All || _config.Bias == LoraBias.LoraOnly && _config.Targets(biased)))
            {
                throw Error(tensor, $"a stored bias, but neither bias nor modules_to_save of {AdapterFile.ConfigName} asks for it");
            }
            Set(biased, tensor, m => m.Bias, m => m.Bias = tensor);
            return true;
        }
        return false;
    }

    private static string? Split(string name, string ending) =>
        name.Length > ending.Length && name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : null;

    private void Target(string module, HostTensor tensor, Func<LoraModule, HostTensor?> get, Action<LoraModule> set)
    {
        if (!_config.Targets(module))
        {
            throw Error(tensor, $"module {module} is not a target of {AdapterFile.ConfigName}");
        }
        Set(module, tensor, get, set);
    }

    private void Set(string module, HostTensor tensor, Func<LoraModule, HostTensor?> get, Action<LoraModule> set)
    {
        if (!_modules.TryGetValue(module, out var entry))
        {
            _modules.Add(module, entry = new LoraModule(module));
        }
        if (get(entry) is { } other)
        {
            throw Error(tensor, $"the same as {other.Name} under another name");
        }
        set(entry);
    }

    private void Complete(LoraModule module)
    {
        var (first, second, names) = module.EmbeddingA is null && module.EmbeddingB is null
            ? (module.A, module.B, "lora_A.weight and lora_B.weight")
            : (module.EmbeddingA, module.EmbeddingB, "lora_embedding_A and lora_embedding_B");
        if (module.EmbeddingA is not null && (module.A ?? module.B ?? module.Magnitude) is { } mixed)
        {
            throw module.Magnitude is not null
                ? new IccUnsupportedException($"{_file}: tensor '{module.Magnitude.Name}': DoRA of an embedding is not supported")
                : Error(mixed, "expected none beside lora_embedding_A");
        }
        if ((first is null) != (second is null))
        {
            throw Error((first ?? second)!, $"expected both {names}");
        }
        if (first is null && module.Magnitude is not null)
        {
            throw Error(module.Magnitude, $"expected {names} too");
        }
        if (first is not null && second is not null)
        {
            (module.Rank, module.Scale) = (_config.RankOf(module.Name), _config.ScaleOf(module.Name));
            Shape(first, module.Rank, null);
            Shape(second, null, module.Rank);
            CheckMagnitude(module, second);
        }
        CheckBaseValues(module);
    }

    private void CheckMagnitude(LoraModule module, HostTensor second)
    {
        if (module.Magnitude is null)
        {
            if (_config.UseDora && module.EmbeddingA is null)
            {
                throw Error(second, "expected a lora_magnitude_vector too: use_dora is true");
            }
            if (_config.UseDora)
            {
                throw new IccUnsupportedException($"{_file}: tensor '{second.Name}': DoRA of an embedding is not supported");
            }
            return;
        }
        if (!_config.UseDora)
        {
            throw Error(module.Magnitude, "a magnitude, but use_dora is not true");
        }
        Shape(module.Magnitude, second.Extents[0]);
    }

    private void CheckBaseValues(LoraModule module)
    {
        // A saved norm has one dimension, a saved linear layer or embedding two.
        if (module.SavedWeight is { } weight && weight.Extents.Count is not (1 or 2))
        {
            throw Error(weight, $"found {weight.Extents.Count} dimensions, expected 1 or 2");
        }
        if (module.Bias is { } bias)
        {
            Shape(bias, module.B?.Extents[0] ?? module.SavedWeight?.Extents[0]);
        }
    }

    private void Shape(HostTensor tensor, params long?[] expected)
    {
        var fits = tensor.Extents.Count == expected.Length && tensor.Extents.Zip(expected).All(p => p.Second is null || p.First == p.Second);
        if (!fits)
        {
            throw Error(tensor, $"found [{string.Join(", ", tensor.Extents)}], expected [{string.Join(", ", expected.Select(e => e?.ToString() ?? "any"))}]");
        }
    }

    private IccFormatException Error(HostTensor tensor, string message) => new(_file, $"tensor '{tensor.Name}': {message}");
}
