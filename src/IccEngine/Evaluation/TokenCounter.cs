using System.Diagnostics.Metrics;
using IccEngine.Core;

namespace IccEngine;

/// <summary>Counts the tokens that go through models on the calling thread, from the engine's own meter.</summary>
internal sealed class TokenCounter : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public TokenCounter()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == Telemetry.Name && instrument.Name == Telemetry.TokensInstrument)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, tokens, _, _) => Count += Environment.CurrentManagedThreadId == _thread ? tokens : 0);
        _listener.Start();
    }

    public long Count { get; private set; }

    public void Dispose() => _listener.Dispose();
}
