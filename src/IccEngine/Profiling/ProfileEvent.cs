namespace IccEngine;

/// <summary>One operation of a backend, as it was recorded.</summary>
/// <param name="Operation">What it did: q_proj, attention, input_layernorm, ..</param>
/// <param name="Layer">Layer, or null outside the layers.</param>
/// <param name="StartSeconds">When it began, counted from the beginning of the recording.</param>
/// <param name="Seconds">How long it took, the wait for the device included.</param>
/// <param name="Flops">Floating-point operations, by the formulas of docs/performance.md; 0 where there is none.</param>
/// <param name="Bytes">Bytes of the operands, each counted once.</param>
public readonly record struct ProfileEvent(string Operation, int? Layer, double StartSeconds, double Seconds, double Flops, long Bytes);

/// <summary>Memory that was taken from a backend.</summary>
/// <param name="Name">weights, kv cache, or activations and taps.</param>
/// <param name="Bytes">Bytes in all; of the weights those of the file, where they stay mapped.</param>
/// <param name="Allocations">How often.</param>
public sealed record ProfileMemory(string Name, long Bytes, int Allocations);

/// <summary>Where the time and the memory of a prefill went.</summary>
/// <param name="Model">Folder or name of the model.</param>
/// <param name="Machine">What computed.</param>
/// <param name="Tokens">Tokens of the prompt.</param>
/// <param name="Spans">Spans that were tapped in all layers.</param>
/// <param name="Seconds">Seconds of the prefill, recording included.</param>
/// <param name="Events">Its operations, in order.</param>
/// <param name="Memory">What was allocated.</param>
/// <param name="PeakBytes">Most memory that the process had resident, mapped files included; null where the system does not count.</param>
public sealed record ProfileReport(
    string Model, string Machine, int Tokens, int Spans, double Seconds, IReadOnlyList<ProfileEvent> Events, IReadOnlyList<ProfileMemory> Memory,
    long? PeakBytes)
{
    /// <summary>The events summed by operation, the longest first.</summary>
    public IReadOnlyList<ProfileRow> ByOperation() => [.. Rows(e => e.Operation).OrderByDescending(r => r.Seconds)];

    /// <summary>The events summed by layer, in their order; what is outside the layers is called embed and head.</summary>
    public IReadOnlyList<ProfileRow> ByLayer()
    {
        var firstLayer = Events.TakeWhile(e => e.Layer is null).Count();
        var index = 0;
        return [.. Rows(e => e.Layer is { } layer ? $"layer {layer}" : index < firstLayer ? "embed" : "head", () => index++)];
    }

    private IEnumerable<ProfileRow> Rows(Func<ProfileEvent, string> name, Action? next = null)
    {
        var rows = new Dictionary<string, ProfileRow>();
        foreach (var e in Events)
        {
            var key = name(e);
            var row = rows.GetValueOrDefault(key) ?? new ProfileRow(key, 0, 0, 0, 0);
            rows[key] = row with { Calls = row.Calls + 1, Seconds = row.Seconds + e.Seconds, Flops = row.Flops + e.Flops, Bytes = row.Bytes + e.Bytes };
            next?.Invoke();
        }
        return rows.Values;
    }
}

/// <summary>Events that belong together.</summary>
/// <param name="Name">Operation, or layer.</param>
/// <param name="Calls">Number of events.</param>
/// <param name="Seconds">Their seconds together.</param>
/// <param name="Flops">Their floating-point operations.</param>
/// <param name="Bytes">Bytes of their operands.</param>
public sealed record ProfileRow(string Name, int Calls, double Seconds, double Flops, double Bytes);
