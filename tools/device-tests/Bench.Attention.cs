using IccEngine.Core;
using IccEngine.Cuda;

namespace IccEngine.DeviceTests;

/// <summary>Attention of one layer: streaming, with taps, and beside one that keeps every map.</summary>
internal sealed partial class Bench
{
    private void Attention((int Start, int Rows, int Spans) size)
    {
        var (start, rows, spans) = size;
        var (heads, _, headDim) = sizes.Heads;
        using var operands = new Operands(this, start, rows, spans);
        var result = backend.Allocate(operands.Call.Query.Shape);
        var call = operands.Call with { Output = result };
        var pairs = rows * (double)start + rows * (rows + 1.0) / 2;
        foreach (var product in AttentionProducts(backend))
        {
            backend.MatrixProduct = product;
            var seconds = Time(result, () => backend.Attention(call));
            Arithmetic($"attention {heads} heads of {headDim}, {rows} rows after {start}, {spans} spans, {product}", 4 * pairs * heads * headDim, seconds);
        }
        backend.MatrixProduct = MatrixProduct.Auto;
        result.Buffer.Dispose();
    }

    /// <summary>What multiplies in attention: in bfloat16 each own kernel.</summary>
    public static IReadOnlyList<MatrixProduct> AttentionProducts(CudaBackend backend) => backend.ComputeType == DType.BF16
        ? [.. backend.MatrixProducts.Where(p => p != MatrixProduct.Cublas)]
        : [MatrixProduct.Auto];

    // As icc bench eager: neither side computes outputs.
    private void Eager((int Tokens, int Spans) size)
    {
        var (tokens, spans) = size;
        using var operands = new Operands(this, 0, tokens, spans);
        var call = operands.Call;
        Tensor[] maps = [.. Enumerable.Range(0, sizes.Heads.Query).Select(_ => backend.Allocate(new Shape(tokens, tokens)))];
        var eager = Time(maps[^1], () =>
        {
            for (var head = 0; head < maps.Length; head++)
            {
                backend.AttentionProbabilities(call, 0, head, 0, maps[head]);
            }
        });
        var streaming = Time(operands.Tap!.SpanToSpan, () => backend.Attention(call));
        var bytes = sizeof(float) * (double)maps.Length * tokens * tokens;
        output.WriteLine(Text(
            $"eager {tokens} tokens, {spans} spans: {1e3 * eager:0.000} ms and {bytes / 1e6:0.000} MB of maps, {eager / streaming:0.0} x the {1e3 * streaming:0.000} ms of attention with taps"));
        Array.ForEach(maps, m => m.Buffer.Dispose());
    }

    private static IEnumerable<TokenSpan> Spans(int tokens, int spans) =>
        Enumerable.Range(0, spans).Select(i => new TokenSpan((int)((long)i * tokens / spans), (int)((i + 1L) * tokens / spans)));

    /// <summary>A cache of one layer that is filled, and a call without output.</summary>
    private sealed class Operands : IDisposable
    {
        private readonly Tensor[] _tensors;

        public Operands(Bench bench, int start, int rows, int spans)
        {
            var (backend, (heads, kvHeads, headDim)) = (bench.Backend, bench.Sizes.Heads);
            var length = start + rows;
            var pages = Enumerable.Range(0, (length + 63) / 64).ToArray();
            var cache = backend.CreateKvCache(new KvShape(1, kvHeads, headDim, 64, pages.Length));
            var (cos, sin) = (backend.Allocate(new Shape(length, headDim / 2)), backend.Allocate(new Shape(length, headDim / 2)));
            var (key, query) = (bench.Random(new Shape(length, kvHeads, headDim)), bench.Random(new Shape(length, heads, headDim)));
            _tensors = [cos, sin, key, query];
            backend.Write(Enumerable.Repeat(1f, length * headDim / 2).ToArray(), cos);
            backend.RotateAndStore(query, key, key, cos, sin, cache, 0, [new SequenceRows(0, length, 0, pages)]);
            Tap = spans == 0 ? null : new AttentionTap([.. Spans(length, spans)], [], false, backend.Allocate(new Shape(spans, spans)), default, default);
            Call = new AttentionCall
            {
                Query = query.Rows(0, rows),
                Cache = cache,
                Layer = 0,
                Sequences = new[] { new SequenceRows(0, rows, start, pages, Tap) },
                Mask = new(true, null),
                Scale = 1 / MathF.Sqrt(headDim),
            };
        }

        public AttentionCall Call { get; }

        public AttentionTap? Tap { get; }

        public void Dispose()
        {
            Array.ForEach(_tensors, t => t.Buffer.Dispose());
            Tap?.SpanToSpan.Buffer.Dispose();
            Call.Cache.Dispose();
        }
    }
}
