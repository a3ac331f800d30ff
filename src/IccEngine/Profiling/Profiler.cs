using System.Diagnostics;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Formats;
using IccEngine.Models;

namespace IccEngine;

/// <summary>What is profiled.</summary>
public sealed record ProfileOptions
{
    /// <summary>Folder of a model; null: the embedded one.</summary>
    public string? Model { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public int Tokens { get; init; } = 512;

    /// <summary>Spans that are tapped in all layers; they divide the prompt evenly. 0: no taps.</summary>
    public int Spans { get; init; }

    /// <summary>Device, see <see cref="IccEngine.Device.Open"/>.</summary>
    public string Device { get; init; } = IccEngine.Device.Names[0];

    /// <summary>Threads of the cpu; 0: one for every core.</summary>
    public int Threads { get; init; }

    /// <summary>How the matrices are held, one of <see cref="Quantization.Names"/>.</summary>
    public string Quantize { get; init; } = Quantization.Names[0];
}

/// <summary>
/// Runs a prefill with the logits of its last token through a backend that records every operation (<see cref="ProfileEvent"/>). What is
/// not profiled does not pass through the recording backend and pays nothing for it.
/// </summary>
public static class Profiler
{
    /// <summary>Profiles a prefill; one that is not recorded goes before it, so that everything is compiled and mapped.</summary>
    /// <param name="options">What, and on what.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccArgumentException">A number outside its limits, or no such device.</exception>
    /// <exception cref="IccFormatException">The model cannot be read.</exception>
    /// <exception cref="IccUnsupportedException">The model asks for something that is not supported.</exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    /// <exception cref="IccMemoryException">The prompt needs more memory than there is.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ProfileReport Run(ProfileOptions options, CancellationToken cancellation = default)
    {
        Validate(options);
        var format = Quantization.FormatOf(options.Quantize);
        using var device = Device.Open(options.Device, options.Threads);
        using var backend = new ProfilingBackend(device, waits: device is CpuBackend or ReferenceBackend<float>);
        var files = options.Model is null ? ModelFiles.ReadEmbedded() : null;
        using var model = files is null
            ? CausalLM.Load(options.Model!, backend, format)
            : CausalLM.Load(files.Config, files.Checkpoint, backend, format);
        CheckMemory(model.Config, options);
        using var session = new InferenceSession(model, new SessionOptions(options.Tokens));
        Prefill(model, session, options, cancellation, () => { });
        ResidentMemory.TryResetPeak();
        var seconds = Prefill(model, session, options, cancellation, backend.Restart);
        return new ProfileReport(
            files?.Name ?? options.Model!, device.Description, options.Tokens, options.Spans, seconds, [.. backend.Events], backend.Memory,
            ResidentMemory.Peak());
    }

    private static double Prefill(CausalLM model, InferenceSession session, ProfileOptions options, CancellationToken cancellation, Action begin)
    {
        using var capture = options.Spans == 0
            ? null
            : new AttentionCapture(model, new TapRequest { Spans = AttentionBenchmark.EvenSpans(options.Tokens, options.Spans) });
        var prompt = ModelBenchmarks.Prompt(model.Config, options.Tokens);
        var sequence = session.Begin();
        begin();
        var watch = Stopwatch.StartNew();
        session.Forward([new SequenceInput(sequence, prompt, LogitsWanted.Last, capture)], cancellation: cancellation);
        var seconds = watch.Elapsed.TotalSeconds;
        session.End(sequence);
        return seconds;
    }

    private static void Validate(ProfileOptions options)
    {
        if (options.Tokens is < 1 or > BenchmarkOptions.MaxTokens)
        {
            throw new IccArgumentException($"{options.Tokens} tokens; expected from 1 to {BenchmarkOptions.MaxTokens}");
        }
        if (options.Spans < 0 || options.Spans > options.Tokens)
        {
            throw new IccArgumentException($"{options.Spans} spans of {options.Tokens} tokens; expected from 0 to {options.Tokens}");
        }
    }

    private static void CheckMemory(ModelConfig config, ProfileOptions options) => BenchmarkRun.CheckMemory(
        $"a prompt of {options.Tokens} tokens with {options.Spans} spans",
        sizeof(float) * (2.0 * config.NumHiddenLayers * config.NumKeyValueHeads * config.HeadDim * options.Tokens
            + (double)config.NumHiddenLayers * options.Spans * options.Spans));
}
