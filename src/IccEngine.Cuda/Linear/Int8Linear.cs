using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>What reads weights in int8: the product of few rows, the terms that tensor cores multiply, and rows of an embedding.</summary>
internal sealed unsafe class Int8Linear(CudaContext context, Kernels kernels)
{
    private const int Threads = 256;
    private const int MaxBlocks = 1 << 16;

    /// <summary>The linear layer of at most <see cref="CudaBackend.FewRows"/> rows.</summary>
    public void RunFew(in LinearCall call)
    {
        const int threads = 128;       // four warps,
        const int outputsOfBlock = 8;  // two outputs each
        var (x, values, scales, bias, y) = (call.X, call.Weight.Address, call.Weight.Scales, call.Bias, call.Y);
        var (rows, inputs, outputs) = (call.Rows, call.Weight.Shape[1], call.Weight.Shape[0]);
        var (scale, accumulate) = (call.Scale, call.Accumulate ? 1 : 0);
        var parameters = stackalloc void*[] { &x, &values, &scales, &bias, &y, &rows, &inputs, &outputs, &scale, &accumulate };
        var blocks = rows == 0 ? 0 : ((long)outputs + outputsOfBlock - 1) / outputsOfBlock;
        context.Launch(rows == 1 ? kernels.Int8Linear1 : kernels.Int8Linear8, blocks, 1, 1, threads, parameters);
    }

    /// <summary>Some outputs of a weight as sums of bfloat16 [terms, outputs, padded] (bf16_terms.cu).</summary>
    public void Terms(CudaWeight weight, int output, long outputs, int padded, int terms, ulong to)
    {
        const int piece = 8; // numbers that a thread makes at a time
        var inputs = weight.Shape[1];
        var groups = Int8Matrix.GroupsOf(inputs);
        var values = weight.Address + (ulong)output * (ulong)(groups * Int8Matrix.Group);
        var scales = weight.Scales + (ulong)output * (ulong)groups * sizeof(ushort);
        var parameters = stackalloc void*[] { &values, &scales, &to, &outputs, &inputs, &padded, &terms };
        var blocks = Math.Min(MaxBlocks, (outputs * padded / piece + Threads - 1) / Threads);
        context.Launch(kernels.Int8Terms, blocks, 1, 1, Threads, parameters);
    }

    /// <summary>y[t] = table[ids[t]].</summary>
    /// <param name="table">[vocab, hidden]</param>
    /// <param name="ids">Address of [tokens].</param>
    /// <param name="tokens">Number of them.</param>
    /// <param name="y">Address of [tokens, hidden].</param>
    public void Embed(CudaWeight table, ulong ids, int tokens, ulong y)
    {
        var (values, scales, hidden) = (table.Address, table.Scales, table.Shape[1]);
        var parameters = stackalloc void*[] { &values, &scales, &ids, &y, &hidden };
        context.Launch(kernels.Int8Embed, tokens, 1, 1, Threads, parameters);
    }
}
