using System.Diagnostics;
using System.Diagnostics.Metrics;
using IccEngine.Core;
using IccEngine.InContext;
using IccEngine.Models;
using Xunit;

namespace IccEngine.Tests;

/// <summary>What listeners under the documented name hear.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public void Activities_and_measurements_are_heard_under_the_documented_name()
    {
        var marker = new object();
        var mine = new AsyncLocal<object?> { Value = marker }; // other tests run at the same time, on other flows
        var activities = new List<Activity>();
        using var activityListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "IccEngine",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a => AddMine(activities, a),
        };
        ActivitySource.AddActivityListener(activityListener);
        var measured = new List<(string Name, double Value, string? Operation)>();
        using var meterListener = new MeterListener();
        meterListener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "IccEngine")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        meterListener.SetMeasurementEventCallback<long>((i, value, tags, _) => AddMine(measured, (i.Name, value, Operation(tags))));
        meterListener.SetMeasurementEventCallback<double>((i, value, tags, _) => AddMine(measured, (i.Name, value, Operation(tags))));
        meterListener.Start();
        void AddMine<T>(List<T> list, T item)
        {
            if (mine.Value == marker)
            {
                list.Add(item);
            }
        }

        long weights;
        using (var model = IccModel.LoadEmbedded(threads: 1))
        {
            weights = BenchmarkModel.WeightBytes(model.Model.Config, DType.BF16);
            model.Cluster(PointSet.FromRows([[1.0], [1.1], [9.0], [9.1]]), 2);
            using var session = new InferenceSession(model.Model, new SessionOptions(8));
            var sequence = session.Begin();
            session.Forward([new SequenceInput(sequence, new[] { 1, 2, 3 })]);
            session.Forward([new SequenceInput(sequence, new[] { 4 })]);
        }

        Assert.Equal(["load", "prefill", "cluster", "prefill", "decode"], activities.Select(a => a.OperationName));
        var (inner, cluster) = (activities[1], activities[2]);
        Assert.Equal(cluster.SpanId, inner.ParentSpanId);
        Assert.Equal([3L, 1L], activities.TakeLast(2).Select(a => a.GetTagItem("icc.tokens")));
        Assert.Equal(1, Assert.Single(measured, m => m is { Name: "icc.tokens", Operation: "decode" }).Value);
        Assert.Equal(
            (long)inner.GetTagItem("icc.tokens")! + 3, measured.Where(m => m is { Name: "icc.tokens", Operation: "prefill" }).Sum(m => m.Value));
        Assert.Equal(activities.Select(a => a.OperationName), measured.Where(m => m.Name == "icc.duration").Select(m => m.Operation));
        Assert.All(measured.Where(m => m.Name == "icc.duration"), m => Assert.True(m.Value > 0));
        Assert.Equal(weights, measured.Where(m => m.Name == "icc.weights").Sum(m => m.Value));
        Assert.Equal("IccEngine", Telemetry.Name);
    }

    private static string? Operation(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var (name, value) in tags)
        {
            if (name == "operation")
            {
                return (string?)value;
            }
        }
        return null;
    }
}
