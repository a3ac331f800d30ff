using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>The token embedding; an adapter may add scale * B A[:, t] to the row of token t, or replace the table.</summary>
internal sealed class EmbeddingLayer(int index, Weight table)
{
    /// <summary>y[t] = table[ids[t]], as the rows' adapters see it.</summary>
    /// <param name="state">The batch.</param>
    /// <param name="ids">[rows]</param>
    /// <param name="y">[rows, hidden]</param>
    public void Forward(ForwardState state, ReadOnlySpan<int> ids, Tensor y)
    {
        foreach (var run in state.Adapters)
        {
            var module = run.Adapter?.Modules[index];
            var rows = y.Rows(run.First, run.Count);
            var tokens = ids.Slice(run.First, run.Count);
            state.Backend.Embed(module?.Weight ?? table, tokens, rows);
            if (module is { A: { } a, B: { } b })
            {
                var low = state.LowRank.Rows(0, run.Count * a.Shape[1]).Reshape(new Shape(run.Count, a.Shape[1])); // [rows, r]
                state.Backend.Embed(a, tokens, low);
                state.Backend.Linear(low, b, null, rows, module.Scale, accumulate: true);
            }
        }
    }
}
