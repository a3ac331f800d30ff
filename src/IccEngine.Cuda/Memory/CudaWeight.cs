using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// A parameter in device memory, in the type of its file. Only float64, which no kernel reads, and vectors (norms and biases, which are
/// small) are widened or rounded to float32.
/// </summary>
internal sealed unsafe class CudaWeight : Weight
{
    private readonly CudaBuffer _buffer;

    /// <summary>Copies it to the device.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public CudaWeight(CudaContext context, HostTensor source) : base(source.Name, source.DType, source.WeightShape())
    {
        Elements = Shape.Rank == 2 && source.DType != DType.F64 ? source.DType : DType.F32;
        _buffer = new CudaBuffer(context, Elements, source.Elements);
        try
        {
            Upload(context, source);
        }
        catch
        {
            _buffer.Dispose();
            throw;
        }
    }

    /// <summary>Type of the elements on the device: F32, BF16 or F16.</summary>
    public DType Elements { get; }

    /// <summary>The context whose memory this is in.</summary>
    public CudaContext Context => _buffer.Context;

    /// <summary>Address on the device of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The weight was given back.</exception>
    public ulong Address => _buffer.Address;

    /// <inheritdoc/>
    public override void Dispose() => _buffer.Dispose();

    private void Upload(CudaContext context, HostTensor source)
    {
        if (Elements == source.DType)
        {
            context.Upload((void*)source.Address, _buffer.Address, source.ByteLength);
            GC.KeepAlive(source);
            return;
        }
        const int piece = 1 << 20;
        var values = new float[Math.Min(piece, source.Elements)];
        for (long start = 0; start < source.Elements; start += piece)
        {
            var count = (int)Math.Min(piece, source.Elements - start);
            source.CopyTo(start, values.AsSpan(0, count));
            fixed (float* from = values)
            {
                context.Upload(from, _buffer.Address + (ulong)start * sizeof(float), (long)count * sizeof(float));
            }
        }
    }
}
