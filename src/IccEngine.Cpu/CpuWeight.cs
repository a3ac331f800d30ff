using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// A parameter read where its file is mapped, in the type of the file. Only float64, which no kernel reads, and vectors (norms and
/// biases, which are small) are widened or rounded to float32 once.
/// </summary>
internal sealed unsafe class CpuWeight : Weight
{
    private readonly HostTensor? _source;
    private readonly HostBuffer? _copy;

    public CpuWeight(HostTensor source) : base(source.Name, source.DType, source.WeightShape())
    {
        if (DType != DType.F64 && Shape.Rank == 2)
        {
            (_source, Elements) = (source, DType);
            return;
        }
        (_copy, Elements) = (new HostBuffer(DType.F32, source.Elements), DType.F32);
        const int piece = 1 << 20;
        for (long start = 0; start < source.Elements; start += piece)
        {
            var count = (int)Math.Min(piece, source.Elements - start);
            source.CopyTo(start, new Span<float>((float*)_copy.Address + start, count));
        }
    }

    /// <summary>Type of the elements at <see cref="Address"/>: F32, BF16 or F16.</summary>
    public DType Elements { get; }

    /// <summary>First element, aligned to nothing.</summary>
    /// <exception cref="ObjectDisposedException">The weight was given back.</exception>
    public byte* Address
    {
        get
        {
            var address = _source?.Address ?? _copy!.Address;
            ObjectDisposedException.ThrowIf(address == 0, this);
            return (byte*)address;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _copy?.Dispose();
}
