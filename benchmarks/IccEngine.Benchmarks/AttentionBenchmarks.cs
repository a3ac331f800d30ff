using BenchmarkDotNet.Attributes;
using IccEngine.Core;

namespace IccEngine.Benchmarks;

/// <summary>
/// Rotary embedding with the write to the cache, and causal attention over it, of one prompt of eight query and two KV heads of 64; the
/// tensor library has no such operation.
/// </summary>
public class AttentionBenchmarks
{
    private const int Tokens = 256;
    private const int Heads = 8;
    private const int KvHeads = 2;
    private const int HeadDim = 64;
    private const int PageTokens = 64;
    private readonly Operands _operands = new();
    private Side _cpu = null!;
    private Side _reference = null!;

    /// <summary>Spans that are tapped; 0: none.</summary>
    [Params(0, 32)]
    public int Spans { get; set; }

    /// <summary>Makes the operands.</summary>
    [GlobalSetup]
    public void Setup()
    {
        (_cpu, _reference) = (new Side(_operands, _operands.Cpu, Spans), new Side(_operands, _operands.Reference, Spans));
        _cpu.Store();
        _reference.Store();
    }

    /// <summary>Rotation and write, the SIMD kernel.</summary>
    [Benchmark]
    public void RotateAndStoreCpu() => _cpu.Store();

    /// <summary>Rotation and write, the naive twin.</summary>
    [Benchmark]
    public void RotateAndStoreReference() => _reference.Store();

    /// <summary>Attention, the SIMD kernel.</summary>
    [Benchmark]
    public void AttentionCpu() => _cpu.Attend();

    /// <summary>Attention, the naive twin.</summary>
    [Benchmark]
    public void AttentionReference() => _reference.Attend();

    /// <summary>Gives the backends back.</summary>
    [GlobalCleanup]
    public void Cleanup() => _operands.Dispose();

    /// <summary>The operands of one backend.</summary>
    private sealed class Side
    {
        private readonly IBackend _backend;
        private readonly KvCache _cache;
        private readonly Tensor _query; // [Tokens, Heads, HeadDim]
        private readonly Tensor _key; // [Tokens, KvHeads, HeadDim]
        private readonly Tensor _value; // [Tokens, KvHeads, HeadDim]
        private readonly Tensor _cos; // [Tokens, HeadDim / 2]
        private readonly Tensor _sin; // [Tokens, HeadDim / 2]
        private readonly Tensor _output; // [Tokens, Heads, HeadDim]
        private readonly SequenceRows[] _sequences;

        public Side(Operands operands, IBackend backend, int spans)
        {
            _backend = backend;
            Tensor Of(float[] values, Shape shape)
            {
                var tensor = backend.Allocate(shape);
                backend.Write(values, tensor);
                return tensor;
            }
            Tensor Random(Shape shape) => Of(operands.Numbers(shape.Elements), shape);
            (_query, _output) = (Random(new Shape(Tokens, Heads, HeadDim)), backend.Allocate(new Shape(Tokens, Heads, HeadDim)));
            (_key, _value) = (Random(new Shape(Tokens, KvHeads, HeadDim)), Random(new Shape(Tokens, KvHeads, HeadDim)));
            // One angle for all: what is turned again and again keeps its length.
            var angles = new Shape(Tokens, HeadDim / 2);
            (_cos, _sin) = (Of([.. Enumerable.Repeat(0.6f, (int)angles.Elements)], angles), Of([.. Enumerable.Repeat(0.8f, (int)angles.Elements)], angles));
            _cache = backend.CreateKvCache(new KvShape(1, KvHeads, HeadDim, PageTokens, Tokens / PageTokens));
            var tap = spans == 0 ? null : new AttentionTap(
                [.. Enumerable.Range(0, spans).Select(s => new TokenSpan(s * Tokens / spans, (s + 1) * Tokens / spans))], [], false,
                backend.Allocate(new Shape(spans, spans)), default, default);
            _sequences = [new SequenceRows(0, Tokens, 0, Enumerable.Range(0, Tokens / PageTokens).ToArray(), tap)];
        }

        public void Store() => _backend.RotateAndStore(_query, _key, _value, _cos, _sin, _cache, 0, _sequences);

        public void Attend() => _backend.Attention(new AttentionCall
        {
            Query = _query,
            Cache = _cache,
            Layer = 0,
            Sequences = _sequences,
            Mask = new AttentionMask(Causal: true, Window: null),
            Scale = 1 / MathF.Sqrt(HeadDim),
            Output = _output,
        });
    }
}
