using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// A LoRA adapter as PEFT stores it: adapter_config.json and adapter_model.safetensors in a folder. Every tensor of the file belongs
/// to a module that the configuration adapts or saves; anything else is refused by name.
/// </summary>
public sealed class AdapterFile : IDisposable
{
    /// <summary>Name of the configuration in the folder.</summary>
    public const string ConfigName = "adapter_config.json";

    /// <summary>Name of the weights in the folder.</summary>
    public const string WeightsName = "adapter_model.safetensors";

    private readonly SafeTensorsFile _weights;

    private AdapterFile(LoraAdapterConfig config, SafeTensorsFile weights)
    {
        (Config, _weights) = (config, weights);
        Modules = LoraModuleReader.Read(config, weights);
    }

    /// <summary>The adapter's configuration.</summary>
    public LoraAdapterConfig Config { get; }

    /// <summary>What is done to which module, by name; valid until this object is disposed.</summary>
    public IReadOnlyList<LoraModule> Modules { get; }

    /// <summary>Path of the weights.</summary>
    public string Path => _weights.Path;

    /// <summary>Opens an adapter's folder.</summary>
    /// <exception cref="IccFormatException">A file is missing or malformed, or the weights do not fit the configuration.</exception>
    /// <exception cref="IccUnsupportedException">The adapter is of another kind, or uses a variant that is not supported.</exception>
    public static AdapterFile Open(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new IccFormatException(folder, $"no such folder, expected one with {ConfigName} and {WeightsName}");
        }
        var config = LoraAdapterConfig.Load(System.IO.Path.Combine(folder, ConfigName));
        var path = System.IO.Path.Combine(folder, WeightsName);
        if (!File.Exists(path))
        {
            const string Pickled = "adapter_model.bin";
            throw new IccFormatException(folder, File.Exists(System.IO.Path.Combine(folder, Pickled))
                ? $"found {Pickled}, expected {WeightsName}: pickled weights are not read; convert them to safetensors"
                : $"{WeightsName}: no such file");
        }
        var weights = SafeTensorsFile.Open(path);
        try
        {
            return new AdapterFile(config, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the weights; no tensor of a module may be used afterwards.</summary>
    public void Dispose() => _weights.Dispose();
}
