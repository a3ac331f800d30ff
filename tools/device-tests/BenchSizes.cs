namespace IccEngine.DeviceTests;

/// <summary>What is measured: the sizes of the table in docs/performance.md, or small ones that tell only that it runs.</summary>
/// <param name="Gemms">Rows, inputs, outputs of linear layers in bfloat16.</param>
/// <param name="Attentions">Position of the first row, rows, spans (0: no tap); 32 heads of 128 over 8 of keys and values, or the heads of the small shape.</param>
/// <param name="Eagers">Tokens and spans of the attention that is compared with one that keeps every map.</param>
/// <param name="Heads">Query heads of the attention, heads of keys and values, elements of a head.</param>
/// <param name="Matrices">Rows of the symmetric matrices of Lanczos.</param>
/// <param name="Shape">Shape of the model.</param>
/// <param name="Prefills">Tokens and numbers of spans of the prompts.</param>
/// <param name="DecodeAfter">Tokens before the ones that are decoded.</param>
/// <param name="DecodeTokens">Tokens that are decoded.</param>
/// <param name="Rounds">Rounds of each figure; the median counts.</param>
/// <param name="LeastSeconds">A round of an operation takes at least so long.</param>
/// <param name="LimitBytes">Bytes that are copied for the bandwidth.</param>
/// <param name="LimitSteps">Steps of the loop for the peak.</param>
internal sealed record BenchSizes(
    (int Rows, int Inputs, int Outputs)[] Gemms, (int Start, int Rows, int Spans)[] Attentions, (int Tokens, int Spans)[] Eagers,
    (int Query, int Kv, int Dim) Heads, int[] Matrices, string Shape, (int Tokens, int[] Spans)[] Prefills, int DecodeAfter, int DecodeTokens, int Rounds, double LeastSeconds,
    long LimitBytes, int LimitSteps)
{
    /// <summary>The table.</summary>
    public static BenchSizes Table { get; } = new(
        [.. Shapes(2048, 512, 8192, 32_000), .. Shapes(4096, 1024, 14_336, 128_256)],
        [(0, 8192, 0), (0, 8192, 200), (0, 8192, 1000), (0, 8192, 3000), (0, 2048, 0), (0, 2048, 200), (0, 32_768, 0), (8191, 1, 0), (32_767, 1, 0)],
        [(2048, 200), (8192, 200)], (32, 8, 128), [4096, 16_384], "8b", [(2048, [0, 50, 200, 500, 1000, 2000]), (8192, [0, 200, 3000]), (32_768, [0, 200, 3000])],
        DecodeAfter: 512, DecodeTokens: 128, Rounds: 5, LeastSeconds: 0.05, LimitBytes: 2L << 30, LimitSteps: 1 << 16);

    /// <summary>Sizes that the kernels on the processor do in seconds.</summary>
    public static BenchSizes Small { get; } = new(
        [(1, 32, 16), (20, 32, 16)], [(0, 20, 0), (0, 20, 3), (19, 1, 0)], [(20, 3)], (4, 2, 16), [40], "tiny", [(24, [0, 3])],
        DecodeAfter: 5, DecodeTokens: 4, Rounds: 1, LeastSeconds: 0, LimitBytes: 1 << 12, LimitSteps: 1);

    private static IEnumerable<(int, int, int)> Shapes(int hidden, int keys, int ffn, int vocabulary) =>
        from rows in new[] { 1, 2048 }
        from shape in new[] { (hidden, hidden), (hidden, keys), (hidden, ffn), (ffn, hidden), (hidden, vocabulary) }
        select (rows, shape.Item1, shape.Item2);
}
