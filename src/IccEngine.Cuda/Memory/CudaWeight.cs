using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// A parameter in device memory, in the type of its file, or a matrix in int8. Only float64, which no kernel reads, and vectors (norms
/// and biases, which are small) are widened or rounded to float32.
/// </summary>
internal sealed unsafe class CudaWeight : Weight
{
    private readonly CudaBuffer _buffer;

    /// <summary>Copies it to the device.</summary>
    /// <param name="context">The device.</param>
    /// <param name="source">The parameter.</param>
    /// <param name="int8">Its quantised form; null: it is held in the type of the file.</param>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public CudaWeight(CudaContext context, HostTensor source, Int8Matrix? int8) : base(
        source.Name, source.DType, source.WeightShape(), int8 is null ? WeightFormat.Stored : WeightFormat.Int8, BytesOf(source, int8))
    {
        Elements = int8 is not null ? DType.I8 : ElementsOf(source);
        _buffer = new CudaBuffer(context, Elements, int8 is null ? source.Elements : Bytes);
        try
        {
            if (int8 is null)
            {
                Upload(context, source);
                return;
            }
            ScaleOffset = int8.ValueBytes;
            context.Upload(int8.Values, Address, int8.ValueBytes);
            context.Upload(int8.Scales, Scales, int8.ScaleBytes);
        }
        catch
        {
            _buffer.Dispose();
            throw;
        }
    }

    /// <summary>Type of the elements on the device: F32, BF16, F16, or I8 with <see cref="Scales"/>.</summary>
    public DType Elements { get; }

    /// <summary>The context whose memory this is in.</summary>
    public CudaContext Context => _buffer.Context;

    /// <summary>Address on the device of the first element.</summary>
    /// <exception cref="ObjectDisposedException">The weight was given back.</exception>
    public ulong Address => _buffer.Address;

    /// <summary>Address on the device of the scales of int8 [rows, groups], as <see cref="Int8Matrix"/> has them.</summary>
    public ulong Scales => Address + (ulong)ScaleOffset;

    private long ScaleOffset { get; }

    /// <inheritdoc/>
    public override void Dispose() => _buffer.Dispose();

    private static DType ElementsOf(HostTensor source) =>
        source.DType != DType.F64 && source.Extents.Count == 2 ? source.DType : DType.F32;

    private static long BytesOf(HostTensor source, Int8Matrix? int8) =>
        int8 is null ? ElementsOf(source).Bytes(source.Elements) : int8.ValueBytes + int8.ScaleBytes;

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
