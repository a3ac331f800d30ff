using System.CommandLine;
using IccEngine.Models;

namespace IccEngine.Cli;

/// <summary>The options of every command that runs a model.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _model;

    private readonly Option<string?> _adapter = new("--adapter") { Description = "Folder of a PEFT adapter.", HelpName = "DIR" };

    private readonly Option<string> _device = new("--device")
    {
        Description = $"Where to compute: {Device.Choices}.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Device.Names[0],
    };

    private readonly Option<int> _threads = new("--threads") { Description = "Threads of the cpu; 0: one for every core.", HelpName = "N" };

    private readonly Option<string> _dtype = ComputeOption("--dtype");

    private readonly Option<string> _quantize = QuantizeOption();

    private ModelOptions(bool embedded) => _model = new Option<string?>("--model")
    {
        Description = "Folder of a model in the layout of the Hugging Face hub" + (embedded ? "; left out: the embedded model." : "."),
        HelpName = "DIR",
        Required = !embedded,
    };

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="embedded">Whether the embedded model serves where none is named.</param>
    public static ModelOptions AddTo(Command command, bool embedded)
    {
        var options = new ModelOptions(embedded);
        command.Options.Add(options._model);
        command.Options.Add(options._adapter);
        command.Options.Add(options._device);
        command.Options.Add(options._threads);
        command.Options.Add(options._dtype);
        command.Options.Add(options._quantize);
        return options;
    }

    /// <summary>The options that say something of the model, and nothing of the device.</summary>
    public IReadOnlyList<Option> OfModel => [_model, _adapter, _dtype];

    /// <summary>Where to compute, and with how many threads.</summary>
    public (string Device, int Threads) DeviceOf(ParseResult parsed) => (parsed.GetValue(_device)!, parsed.GetValue(_threads));

    /// <summary>The option of the type that is computed in.</summary>
    public static Option<string> ComputeOption(string name) => new(name)
    {
        Description = $"What the matrix products of prompts are computed in: {string.Join(", or on cuda:N ", Device.DTypes)}.",
        HelpName = "TYPE",
        DefaultValueFactory = _ => Device.DTypes[0],
    };

    /// <summary>The option of how matrices are held.</summary>
    public static Option<string> QuantizeOption()
    {
        var option = new Option<string>("--quantize")
        {
            Description = "How the weights are held: none, as in the file; int8, 8-bit integers with a scale for every 32.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => Quantization.Names[0],
        };
        option.AcceptOnlyFromAmong([.. Quantization.Names]);
        return option;
    }

    /// <summary>Opens the model, and the adapter where one is named.</summary>
    public LoadedModel Open(ParseResult parsed)
    {
        var (device, threads, dtype) = (parsed.GetValue(_device)!, parsed.GetValue(_threads), parsed.GetValue(_dtype)!);
        var quantize = parsed.GetValue(_quantize)!;
        var model = parsed.GetValue(_model) is { } folder
            ? IccModel.Load(folder, device, threads, dtype, quantize)
            : IccModel.LoadEmbedded(device, threads, dtype, quantize);
        try
        {
            return new LoadedModel(model, parsed.GetValue(_adapter) is { } adapter ? model.LoadAdapter(adapter) : null, parsed.GetValue(_adapter));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>A model and the adapter on it, with the adapter's folder.</summary>
    internal sealed record LoadedModel(IccModel Model, LoraAdapter? Adapter, string? AdapterName) : IDisposable
    {
        public void Dispose()
        {
            Adapter?.Dispose();
            Model.Dispose();
        }
    }
}
