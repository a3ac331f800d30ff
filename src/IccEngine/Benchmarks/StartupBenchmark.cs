using System.Diagnostics;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>
/// The embedded model on fifty points: the first time in this process, where the files are opened and the code is compiled, and again.
/// The start of the process itself is not in it.
/// </summary>
internal static class StartupBenchmark
{
    private const int Points = 50;
    private const int Clusters = 3;
    private const int Features = 2;

    /// <summary>Runs before anything else, so that nothing is compiled yet.</summary>
    public static void Run(BenchmarkOptions options, List<BenchmarkResult> results, CancellationToken cancellation)
    {
        var points = MakePoints();
        var watch = Stopwatch.StartNew();
        using var model = IccModel.LoadEmbedded(options.Device, options.Threads, options.ComputeDType, options.Quantize);
        model.Cluster(points, Clusters, cancellation: cancellation);
        results.Add(BenchmarkRun.Result("startup", $"{Points} points, first prediction with loading", "ms", [watch.Elapsed.TotalMilliseconds]));
        var next = new double[options.Repeat];
        for (var i = 0; i < next.Length; i++)
        {
            watch.Restart();
            model.Cluster(points, Clusters, cancellation: cancellation);
            next[i] = watch.Elapsed.TotalMilliseconds;
        }
        results.Add(BenchmarkRun.Result("startup", $"{Points} points, a further prediction", "ms", next));
    }

    private static PointSet MakePoints()
    {
        var values = new float[Points * Features];
        var state = RandomWeights.Seed("points", 0);
        RandomWeights.Fill(values, ref state);
        return new PointSet([.. values.Select((v, i) => 50.0 * v + 8 * (i / Features % Clusters))], Points, Features);
    }
}
