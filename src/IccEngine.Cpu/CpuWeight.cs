using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// A parameter read where its file is mapped, in the type of the file, or a matrix in int8. Only float64, which no kernel reads, and
/// vectors (norms and biases, which are small) are widened or rounded to float32 once.
/// </summary>
internal sealed unsafe class CpuWeight : Weight
{
    private readonly HostTensor? _source;
    private readonly HostBuffer? _copy;
    private readonly Int8Matrix? _int8;

    public CpuWeight(HostTensor source, WeightFormat format) : this(source, Int8Matrix.For(source, format)) { }

    private CpuWeight(HostTensor source, Int8Matrix? int8) : base(
        source.Name, source.DType, source.WeightShape(), int8 is null ? WeightFormat.Stored : WeightFormat.Int8, BytesOf(source, int8))
    {
        if (int8 is not null)
        {
            (_int8, Elements) = (int8, DType.I8);
            return;
        }
        if (ElementsOf(source) == source.DType && Shape.Rank == 2)
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

    /// <summary>Type of the elements at <see cref="Address"/>: F32, BF16, F16, or I8 with <see cref="Scales"/>.</summary>
    public DType Elements { get; }

    /// <summary>First element, aligned to nothing.</summary>
    /// <exception cref="ObjectDisposedException">The weight was given back.</exception>
    public byte* Address
    {
        get
        {
            var address = _int8 is null ? _source?.Address ?? _copy!.Address : (nint)_int8.Values;
            ObjectDisposedException.ThrowIf(address == 0, this);
            return (byte*)address;
        }
    }

    /// <summary>Scales of int8 [rows, groups], as <see cref="Int8Matrix"/> has them; null for other types.</summary>
    public ushort* Scales => _int8 is null ? null : _int8.Scales;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _copy?.Dispose();
        _int8?.Dispose();
    }

    private static DType ElementsOf(HostTensor source) =>
        source.DType != DType.F64 && source.Extents.Count == 2 ? source.DType : DType.F32;

    private static long BytesOf(HostTensor source, Int8Matrix? int8) =>
        int8 is null ? ElementsOf(source).Bytes(source.Elements) : int8.ValueBytes + int8.ScaleBytes;
}
