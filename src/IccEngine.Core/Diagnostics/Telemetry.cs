using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace IccEngine.Core;

/// <summary>
/// What the engine tells listeners of <see cref="ActivitySource"/> and <see cref="Meter"/> (OpenTelemetry among them), under the one name
/// <see cref="Name"/>. Where nobody listens nothing is allocated and no clock is read.
/// <para>
/// Activities: load, prefill, decode, cluster. Instruments: icc.tokens (tokens that went through a model), icc.duration (seconds of an
/// activity), icc.weights (bytes of weights handed to a backend); the first two carry the tag operation, the activity's name.
/// </para>
/// </summary>
public static class Telemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "IccEngine";

    /// <summary>Opening a model.</summary>
    public const string Load = "load";

    /// <summary>A forward pass in which some sequence has several new tokens, or its first one.</summary>
    public const string Prefill = "prefill";

    /// <summary>A forward pass of one new token of every sequence.</summary>
    public const string Decode = "decode";

    /// <summary>Clustering of points.</summary>
    public const string Cluster = "cluster";

    /// <summary>Name of the counter of tokens, and of the tag of an activity.</summary>
    public const string TokensInstrument = "icc.tokens";

    private const string OperationTag = "operation";
    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>(TokensInstrument, "{token}", "Tokens that went through a model.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("icc.duration", "s", "Seconds of an activity.");
    private static readonly Counter<long> Weights = Meter.CreateCounter<long>("icc.weights", "By", "Bytes of weights handed to a backend.");

    /// <summary>Begins an activity; disposing what is returned ends it, and reports its seconds and tokens.</summary>
    /// <param name="operation">One of the names above.</param>
    /// <param name="tokens">Tokens that go through a model; 0: none are reported.</param>
    public static Scope Begin(string operation, long tokens = 0)
    {
        var activity = Source.StartActivity(operation);
        if (activity is { IsAllDataRequested: true } && tokens > 0)
        {
            activity.SetTag(TokensInstrument, tokens);
        }
        return new Scope(operation, tokens, activity, Duration.Enabled ? Stopwatch.GetTimestamp() : 0);
    }

    /// <summary>Reports weights that a backend took over.</summary>
    public static void AddWeights(long bytes) => Weights.Add(bytes);

    /// <summary>An activity in progress.</summary>
    public readonly struct Scope : IDisposable
    {
        private readonly string _operation;
        private readonly long _tokens;
        private readonly Activity? _activity;
        private readonly long _start;

        internal Scope(string operation, long tokens, Activity? activity, long start) =>
            (_operation, _tokens, _activity, _start) = (operation, tokens, activity, start);

        /// <summary>Ends it.</summary>
        public void Dispose()
        {
            if (_start != 0)
            {
                Duration.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds, new KeyValuePair<string, object?>(OperationTag, _operation));
            }
            if (_tokens > 0 && Tokens.Enabled)
            {
                Tokens.Add(_tokens, new KeyValuePair<string, object?>(OperationTag, _operation));
            }
            _activity?.Dispose();
        }
    }
}
