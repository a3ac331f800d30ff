using System.Numerics;
using IccEngine.Core;

namespace IccEngine.Testing;

/// <summary>Means of raw attention maps over spans, by their definition: the slow twin of every tap.</summary>
public static class AttentionPooling
{
    /// <summary>Writes the probabilities of one query of one head over all keys.</summary>
    public delegate void Row<T>(int head, int query, Span<T> row);

    /// <summary>
    /// [queries, keys]: the mean over heads, the tokens of a query span and those of a key span. Sums are doubles, rounded once.
    /// </summary>
    public static T[] Pool<T>(TokenSpan[] queries, TokenSpan[] keys, int heads, int tokens, Row<T> map)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var pooled = new T[queries.Length * keys.Length];
        var row = new T[tokens];
        for (var i = 0; i < queries.Length; i++)
        {
            var sums = new double[keys.Length];
            for (var head = 0; head < heads; head++)
            {
                for (var q = queries[i].Start; q < queries[i].End; q++)
                {
                    map(head, q, row);
                    for (var j = 0; j < keys.Length; j++)
                    {
                        foreach (var value in row.AsSpan(keys[j].Start, keys[j].Length))
                        {
                            sums[j] += double.CreateChecked(value);
                        }
                    }
                }
            }
            for (var j = 0; j < keys.Length; j++)
            {
                pooled[i * keys.Length + j] = T.CreateChecked(sums[j] / ((double)heads * queries[i].Length * keys[j].Length));
            }
        }
        return pooled;
    }

    /// <summary>Sets everything on and above the diagonal of a square matrix to zero.</summary>
    public static T[] StrictLower<T>(T[] matrix, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (var i = 0; i < n; i++)
        {
            matrix.AsSpan(i * n + i, n - i).Clear();
        }
        return matrix;
    }
}
