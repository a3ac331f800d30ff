using System.Text.Json;
using IccEngine.Core;
using IccEngine.Testing;

namespace IccEngine.Clustering.Tests;

/// <summary>The recipe of goldens/clustering/affinity/README.md: an attention map with a planted partition.</summary>
internal sealed class BlockMap
{
    private const int Before = 5;
    private const int After = 4;
    private readonly ulong _seed;
    private readonly ulong _num;
    private readonly ulong _den;
    private readonly int[] _labelOfToken;

    public BlockMap(JsonElement golden)
    {
        _seed = golden.GetProperty("seed").GetUInt64();
        (_num, _den) = (golden.GetProperty("num").GetUInt64(), golden.GetProperty("den").GetUInt64());
        (N, Heads) = (golden.Int("n"), golden.Int("heads"));
        var classes = golden.Int("c_true");
        (Labels, Spans) = (new int[N], new TokenSpan[N]);
        var start = Before;
        for (var i = 0; i < N; i++)
        {
            var length = 2 + (int)(Mix(Mix(_seed ^ 0x5350414E) ^ (ulong)i) % 3);
            Labels[i] = i < classes ? i : (int)(Mix(Mix(_seed ^ 0x4C41424C) ^ (ulong)i) % (ulong)classes);
            Spans[i] = new TokenSpan(start, start + length);
            start += length;
        }
        Tokens = start + After;
        _labelOfToken = new int[Tokens];
        Array.Fill(_labelOfToken, -1);
        for (var i = 0; i < N; i++)
        {
            Array.Fill(_labelOfToken, Labels[i], Spans[i].Start, Spans[i].Length);
        }
    }

    public int N { get; }

    public int Heads { get; }

    public int Tokens { get; }

    public int[] Labels { get; }

    public TokenSpan[] Spans { get; }

    /// <summary>[n, n] in doubles.</summary>
    public double[] Pooled() => AttentionPooling.StrictLower(AttentionPooling.Pool<double>(Spans, Spans, Heads, Tokens, Row), N);

    /// <summary>[n, n] in floats, of a map in floats.</summary>
    public float[] PooledSingle() => AttentionPooling.StrictLower(AttentionPooling.Pool<float>(Spans, Spans, Heads, Tokens, (head, q, row) =>
    {
        var wide = new double[row.Length];
        Row(head, q, wide);
        for (var k = 0; k < row.Length; k++)
        {
            row[k] = (float)wide[k];
        }
    }), N);

    private void Row(int head, int q, Span<double> row)
    {
        var ofQuery = Mix(Mix(Mix(_seed) ^ (ulong)head) ^ (ulong)q);
        row.Clear();
        var sum = 0.0;
        for (var k = 0; k <= q; k++)
        {
            var u = Mix(ofQuery ^ (ulong)k) >> 48;
            var alike = _labelOfToken[q] >= 0 && _labelOfToken[q] == _labelOfToken[k];
            var weight = (1 + (u * u >> 16)) * (alike ? _num : _den) + (k == 0 ? 1ul << 22 : 0);
            row[k] = weight;
            sum += weight;
        }
        for (var k = 0; k <= q; k++)
        {
            row[k] /= sum;
        }
    }

    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
