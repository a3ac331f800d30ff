using IccEngine.Core;

namespace IccEngine;

/// <summary>Queries, keys and values of prompts, and a cache of one layer for them.</summary>
internal sealed class AttentionOperands : IDisposable
{
    private const int PageTokens = 64;
    private readonly IBackend _backend;
    private readonly Tensor _key; // [rows, kvHeads, headDim]
    private readonly Tensor _value; // [rows, kvHeads, headDim]
    private readonly Tensor _cos; // [rows, headDim / 2]
    private readonly Tensor _sin; // [rows, headDim / 2]

    public AttentionOperands(BenchmarkRun run, int[] lengths)
    {
        var (heads, kvHeads, headDim) = (run.Config.NumAttentionHeads, run.Config.NumKeyValueHeads, run.Config.HeadDim);
        var rows = lengths.Sum();
        _backend = run.Backend;
        Sequences = new SequenceRows[lengths.Length];
        var (row, page) = (0, 0);
        for (var i = 0; i < lengths.Length; i++)
        {
            var pages = Enumerable.Range(page, (lengths[i] + PageTokens - 1) / PageTokens).ToArray();
            Sequences[i] = new SequenceRows(row, lengths[i], 0, pages);
            (row, page) = (row + lengths[i], page + pages.Length);
        }
        Cache = _backend.CreateKvCache(new KvShape(1, kvHeads, headDim, PageTokens, page));
        Query = run.Random(new Shape(rows, heads, headDim));
        _key = run.Random(new Shape(rows, kvHeads, headDim));
        _value = run.Random(new Shape(rows, kvHeads, headDim));
        (_cos, _sin) = (_backend.Allocate(new Shape(rows, headDim / 2)), _backend.Allocate(new Shape(rows, headDim / 2)));
        // Turns by one angle, which keep what is turned again and again at its length.
        for (var r = 0; r < rows; r++)
        {
            _backend.Write(Enumerable.Repeat(0.6f, headDim / 2).ToArray(), _cos.Row(r));
            _backend.Write(Enumerable.Repeat(0.8f, headDim / 2).ToArray(), _sin.Row(r));
        }
    }

    /// <summary>[rows, heads, headDim]</summary>
    public Tensor Query { get; }

    public KvCache Cache { get; }

    /// <summary>The prompts, one after another.</summary>
    public SequenceRows[] Sequences { get; }

    /// <summary>Rotates queries and keys and writes keys and values to the cache.</summary>
    public void Store() => _backend.RotateAndStore(Query, _key, _value, _cos, _sin, Cache, 0, Sequences);

    public void Dispose()
    {
        Cache.Dispose();
        foreach (var tensor in (Tensor[])[Query, _key, _value, _cos, _sin])
        {
            tensor.Buffer.Dispose();
        }
    }
}
