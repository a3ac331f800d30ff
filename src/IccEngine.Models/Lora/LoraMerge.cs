using System.Numerics.Tensors;
using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>The weight that a module has with its adapter merged in.</summary>
public static class LoraMerge
{
    /// <summary>
    /// W + scale * B A in float32, [out, in]; with DoRA every row is then scaled to the length that the magnitude vector gives it
    /// (Liu et al. 2024); for an embedding W + scale * (B A)^T, [vocab, hidden].
    /// </summary>
    /// <param name="weight">[out, in], or [vocab, hidden]</param>
    /// <param name="module">The adapter's part for it.</param>
    public static float[] Merge(HostTensor weight, LoraModule module)
    {
        var merged = weight.ToSingles();
        var columns = (int)weight.Extents[1];
        var embedding = module.EmbeddingA is not null;
        // Row o of the change is the sum over r of left[o, r] * right[r, :].
        var left = embedding ? Transposed(module.EmbeddingA!) : module.B?.ToSingles();
        var right = embedding ? Transposed(module.EmbeddingB!) : module.A?.ToSingles();
        if (left is null || right is null)
        {
            return merged;
        }
        var rank = right.Length / columns;
        var magnitude = module.Magnitude?.ToSingles();
        Parallel.For(0, (int)weight.Extents[0], o =>
        {
            var row = merged.AsSpan(o * columns, columns);
            for (var r = 0; r < rank; r++)
            {
                TensorPrimitives.MultiplyAdd(right.AsSpan(r * columns, columns), module.Scale * left[o * rank + r], row, row);
            }
            if (magnitude is not null)
            {
                TensorPrimitives.Multiply(row, magnitude[o] / TensorPrimitives.Norm<float>(row), row);
            }
        });
        return merged;
    }

    /// <summary>The values of a matrix, columns first.</summary>
    internal static float[] Transposed(HostTensor matrix)
    {
        var (rows, columns) = ((int)matrix.Extents[0], (int)matrix.Extents[1]);
        var values = matrix.ToSingles();
        var transposed = new float[values.Length];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
            {
                transposed[c * rows + r] = values[r * columns + c];
            }
        }
        return transposed;
    }
}
