using IccEngine.Clustering;
using IccEngine.Core;

namespace IccEngine;

/// <summary>
/// The five largest eigenvalues with their vectors (as scipy's eigsh gives them), and spectral clustering as a whole (as scikit-learn's
/// SpectralClustering does it), of a dense symmetric matrix of float64 with five weak blocks: (U + U^T) / 2 with U uniform in [0, 1), plus
/// a signal where row and column leave the same remainder by 5. The signal falls with the root of the size, 0.02 at 4000 rows, so that
/// the blocks stay about as hard to see. Eigenvectors are bound by memory: every product reads the 4 n (n + 1) bytes of
/// one half of the matrix.
/// </summary>
internal static class SpectralBenchmark
{
    private const int Blocks = 5;

    public static void Run(BenchmarkRun run)
    {
        foreach (var n in run.TokensOr(200, 4000).Where(n => n >= 2 * Blocks))
        {
            BenchmarkRun.CheckMemory($"matrices of {n} rows", 4.0 * sizeof(double) * n * n);
            var values = Matrix(n);
            var matrix = run.Backend.Allocate(new Shape(n, n), DType.F64);
            using (matrix.Buffer)
            {
                run.Backend.Write(values, matrix);
                var products = 0;
                var seconds = run.Seconds(matrix, _ => products = Lanczos.Largest(run.Backend, matrix, Blocks).Products);
                run.AddMilliseconds(
                    "spectral", $"[{n}, {n}] float64, {Blocks} eigenvectors, {products} products", seconds,
                    bytes: (double)products * sizeof(double) * n * (n + 1) / 2);
                var clustering = new SpectralClustering { NClusters = Blocks };
                seconds = run.Seconds(matrix, _ => clustering.FitPredict(run.Backend, values, n));
                run.AddMilliseconds("spectral", $"[{n}, {n}] float64, {Blocks} clusters, as a whole", seconds);
            }
        }
    }

    /// <summary>[n, n], row-major.</summary>
    internal static double[] Matrix(int n)
    {
        var random = new SeededRandom(3);
        var values = new double[n * n];
        var signal = 0.02 * Math.Sqrt(4000.0 / n);
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var mean = i == j ? random.NextDouble() : (random.NextDouble() + random.NextDouble()) / 2;
                values[i * n + j] = values[j * n + i] = mean + (i % Blocks == j % Blocks ? signal : 0);
            }
        }
        return values;
    }
}
