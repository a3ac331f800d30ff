namespace IccEngine.Clustering.Tests;

/// <summary>Symmetric matrices [n, n] with spectra that break careless solvers.</summary>
internal static class Matrices
{
    public static readonly string[] Kinds =
        ["random", "zero", "identity", "ones", "ring", "hypercube", "repeated blocks", "low rank", "graded", "huge", "nearly double", "diagonal"];

    public static double[] Make(string kind, int n, long seed = 1)
    {
        var random = new SeededRandom(seed);
        var a = new double[n * n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                a[i * n + j] = a[j * n + i] = Entry(kind, n, i, j, random);
            }
        }
        if (kind == "low rank")
        {
            var u = Enumerable.Range(0, n).Select(_ => random.NextDouble() - 0.5).ToArray();
            var v = Enumerable.Range(0, n).Select(_ => random.NextDouble() - 0.5).ToArray();
            for (var i = 0; i < n * n; i++)
            {
                a[i] = 3 * u[i / n] * u[i % n] + v[i / n] * v[i % n];
            }
        }
        return a;
    }

    private static double Entry(string kind, int n, int i, int j, SeededRandom random) => kind switch
    {
        "random" => random.NextDouble() - 0.5,
        "identity" => i == j ? 1 : 0,
        "ones" => i == j ? 0 : 1,
        // Every eigenvalue but the ends is double.
        "ring" => (i - j + n) % n == 1 || (j - i + n) % n == 1 ? 1 : 0,
        // Binomial multiplicities where n is a power of two.
        "hypercube" => int.PopCount(i ^ j) == 1 ? 1 : 0,
        // Three and more copies of each eigenvalue.
        "repeated blocks" => i / 4 == j / 4 && i / 4 < n / 4 ? 1.0 / (1 + i % 4 + j % 4) : 0,
        "graded" => Math.Pow(10, -10.0 * (i + j) / n) * (1 + (i == j ? 1 : 0)),
        "huge" => (random.NextDouble() - 0.5) * 1e300 / n,
        "nearly double" => i == j ? 1 + i / 2 + i % 2 * 1e-13 : 0,
        "diagonal" => i == j ? i % 7 : 0,
        _ => 0,
    };
}
