using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What works row by row: embedding, norm, linear layers, activation.</summary>
public sealed unsafe partial class CudaBackend
{
    private const int MaxBlocks = 1 << 16;

    /// <inheritdoc/>
    public void Embed(Weight table, ReadOnlySpan<int> ids, Tensor y)
    {
        var weight = Owned.Matrix(table, _context, nameof(table));
        var hidden = table.Shape[1];
        Expect.Shape(y, new Shape(ids.Length, hidden), nameof(y));
        foreach (var id in ids)
        {
            Expect.That(id >= 0 && id < table.Shape[0], nameof(ids), id, $"a row of {table.Shape}");
        }
        using var turn = Enter();
        var (rows, places, target) = (weight.Address, _ids.Put(ids), Address(y));
        if (weight.Elements == DType.I8)
        {
            _linear.Int8.Embed(weight, places, ids.Length, target);
        }
        else
        {
            var parameters = stackalloc void*[] { &rows, &places, &target, &hidden };
            _context.Launch(_kernels.Embed.For(weight.Elements), ids.Length, 1, 1, Threads, parameters);
        }
        GC.KeepAlive(weight);
        GC.KeepAlive(y.Buffer);
    }

    /// <inheritdoc/>
    public void RmsNorm(Tensor x, Weight weight, float eps, Tensor y)
    {
        var w = Owned.Vector(weight, _context, nameof(weight));
        var n = weight.Shape[0];
        Expect.That(x.Shape.Rank > 0 && x.Shape[x.Shape.Rank - 1] == n, nameof(x), x.Shape, $"rows of {n}");
        Expect.Shape(y, x.Shape, nameof(y));
        using var turn = Enter();
        var (from, factors, to) = (Address(x), w.Address, Address(y));
        var parameters = stackalloc void*[] { &from, &factors, &eps, &to, &n };
        _context.Launch(_kernels.RmsNorm, x.Shape.Elements / n, 1, 1, Threads, parameters);
        GC.KeepAlive(w);
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public void Linear(Tensor x, Weight weight, Weight? bias, Tensor y, float scale = 1f, bool accumulate = false)
    {
        var w = Owned.Matrix(weight, _context, nameof(weight));
        var (outputs, inputs) = (weight.Shape[0], weight.Shape[1]);
        Expect.That(x.Shape.Rank == 2 && x.Shape[1] == inputs, nameof(x), x.Shape, $"rows of {inputs}");
        Expect.Shape(y, new Shape(x.Shape[0], outputs), nameof(y));
        var b = bias is null ? null : Owned.Vector(bias, _context, nameof(bias));
        Expect.That(bias is null || bias.Shape[0] == outputs, nameof(bias), bias?.Shape, $"[{outputs}]");
        using var turn = Enter();
        _linear.Run(new LinearCall(Address(x), x.Shape[0], w, b?.Address ?? 0, Address(y), scale, accumulate));
        GC.KeepAlive(w);
        GC.KeepAlive(b);
        KeepAlive(x, y);
    }

    /// <summary>For tests: the most terms that linear layers take memory for at a time.</summary>
    internal void LimitLinear(long terms) => _linear.MostTerms = terms;

    /// <inheritdoc/>
    public void SiluMultiply(Tensor gate, Tensor up, Tensor y)
    {
        Expect.Shape(up, gate.Shape, nameof(up));
        Expect.Shape(y, gate.Shape, nameof(y));
        using var turn = Enter();
        var (g, u, to, count) = (Address(gate), Address(up), Address(y), gate.Shape.Elements);
        var parameters = stackalloc void*[] { &g, &u, &to, &count };
        _context.Launch(_kernels.SiluMultiply, Math.Min(MaxBlocks, Blocks(count, Threads)), 1, 1, Threads, parameters);
        KeepAlive(gate, up);
        GC.KeepAlive(y.Buffer);
    }

    private static long Blocks(long elements, int each) => (elements + each - 1) / each;
}
