using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What works row by row: embedding, norm, linear layers, activation, arg-max.</summary>
public sealed unsafe partial class CudaBackend
{
    private const int FewRows = 8;        // linear_few.cu
    private const int LinearTile = 64;    // linear.cu
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
        var parameters = stackalloc void*[] { &rows, &places, &target, &hidden };
        _context.Launch(_kernels.Embed.For(weight.Elements), ids.Length, 1, 1, Threads, parameters);
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
        var rows = x.Shape[0];
        var (from, factors, offsets, to, adds) = (Address(x), w.Address, b?.Address ?? 0, Address(y), accumulate ? 1 : 0);
        var parameters = stackalloc void*[] { &from, &factors, &offsets, &to, &rows, &inputs, &outputs, &scale, &adds };
        if (rows <= FewRows)
        {
            const int threads = 128; // four warps, an output each
            var kernel = rows == 1 ? _kernels.Linear1 : _kernels.Linear8;
            _context.Launch(kernel.For(w.Elements), rows == 0 ? 0 : Blocks(outputs, threads / 32), 1, 1, threads, parameters);
        }
        else
        {
            _context.Launch(_kernels.Linear.For(w.Elements), Blocks(outputs, LinearTile), Blocks(rows, LinearTile), 1, Threads, parameters);
        }
        GC.KeepAlive(w);
        GC.KeepAlive(b);
        KeepAlive(x, y);
    }

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

    /// <inheritdoc/>
    public void ArgMax(Tensor logits, ReadOnlySpan<int> allowed, Span<int> best)
    {
        Expect.That(logits.Shape.Rank == 2 && logits.Shape[1] > 0, nameof(logits), logits.Shape, "[rows, vocabulary]");
        var (rows, vocabulary) = (logits.Shape[0], logits.Shape[1]);
        Expect.That(best.Length >= rows, nameof(best), best.Length, $"room for {rows} rows");
        foreach (var candidate in allowed)
        {
            Expect.That(candidate >= 0 && candidate < vocabulary, nameof(allowed), candidate, $"below {vocabulary}");
        }
        using var turn = Enter();
        var (x, candidates, count) = (Address(logits), allowed.IsEmpty ? 0 : _allowed.Put(allowed), allowed.IsEmpty ? vocabulary : allowed.Length);
        var places = _best.Take(rows);
        var parameters = stackalloc void*[] { &x, &vocabulary, &candidates, &count, &places };
        _context.Launch(_kernels.ArgMax, rows, 1, 1, Threads, parameters);
        fixed (int* to = best)
        {
            _context.Download(places, to, (long)rows * sizeof(int));
        }
        GC.KeepAlive(logits.Buffer);
    }

    private static long Blocks(long elements, int each) => (elements + each - 1) / each;
}
