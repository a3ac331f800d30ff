using IccEngine.Core;

namespace IccEngine.Models;

/// <summary>A linear layer of the base model; the rows of a batch may each see it through an adapter of their own.</summary>
internal sealed class LinearLayer(int index, Weight weight, Weight? bias)
{
    /// <summary>y = x W^T + b of the rows' adapters, or the same added to y.</summary>
    /// <param name="state">The batch.</param>
    /// <param name="x">[rows, in]</param>
    /// <param name="y">[rows, out]</param>
    /// <param name="firstRow">Row of the batch that is row 0 of x and y.</param>
    /// <param name="accumulate">Add to y: how a residual takes it.</param>
    public void Forward(ForwardState state, Tensor x, Tensor y, int firstRow = 0, bool accumulate = false)
    {
        var rows = x.Shape[0];
        // One pass over the weight serves all rows, unless an adapter brings a weight of its own.
        var replaced = AnyReplaced(state);
        if (!replaced)
        {
            state.Backend.Linear(x, weight, bias, y, accumulate: accumulate);
        }
        foreach (var run in state.Adapters)
        {
            var first = Math.Max(run.First - firstRow, 0);
            var count = Math.Min(run.First + run.Count - firstRow, rows) - first;
            if (count > 0)
            {
                ForwardRun(state, run.Adapter, x.Rows(first, count), y.Rows(first, count), replaced, accumulate);
            }
        }
    }

    private void ForwardRun(ForwardState state, LoraAdapter? adapter, Tensor x, Tensor y, bool replaced, bool accumulate)
    {
        var module = adapter?.Modules[index];
        if (replaced)
        {
            state.Backend.Linear(x, module?.Weight ?? weight, module?.Bias ?? bias, y, accumulate: accumulate);
        }
        if (module is { A: { } a, B: { } b })
        {
            var low = state.LowRank.Rows(0, x.Shape[0] * a.Shape[0])
                .Reshape(new Shape(x.Shape[0], a.Shape[0])); // [rows, r]
            state.Backend.Linear(x, a, null, low);
            state.Backend.Linear(low, b, null, y, module.Scale, accumulate: true);
        }
    }

    private bool AnyReplaced(ForwardState state)
    {
        foreach (var run in state.Adapters)
        {
            if (run.Adapter?.Modules[index] is { Weight: not null } or { Bias: not null })
            {
                return true;
            }
        }
        return false;
    }
}
