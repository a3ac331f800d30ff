namespace IccEngine.Core;

/// <summary>The elements of a host tensor of F32 or F64, read as float64 and rounded to the tensor's type when written.</summary>
internal readonly unsafe struct Reals
{
    private readonly DeviceBuffer _buffer; // kept from being given back
    private readonly float* _singles;
    private readonly double* _doubles;

    public Reals(Tensor x, string name)
    {
        ExpectAffinity.Real(x, name);
        var buffer = (HostBuffer)x.Buffer;
        ObjectDisposedException.ThrowIf(buffer.Address == 0, buffer);
        (_buffer, Length) = (buffer, x.Shape.Elements);
        _singles = x.DType == DType.F32 ? (float*)buffer.Address + x.Offset : null;
        _doubles = x.DType == DType.F64 ? (double*)buffer.Address + x.Offset : null;
    }

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    public double this[long i]
    {
        get => _singles != null ? _singles[i] : _doubles[i];
        set
        {
            if (_singles != null)
            {
                _singles[i] = (float)value;
            }
            else
            {
                _doubles[i] = value;
            }
            GC.KeepAlive(_buffer);
        }
    }
}
