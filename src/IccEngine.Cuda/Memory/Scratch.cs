using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Device memory for the time of a call, kept for the next one and grown where it is too small.</summary>
internal sealed class Scratch(CudaContext context, DType dtype) : IDisposable
{
    private CudaBuffer? _buffer;

    /// <summary>Address of room for elements, with any content.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public ulong Take(long elements)
    {
        if (_buffer is null || _buffer.Elements < elements)
        {
            _buffer?.Dispose();
            _buffer = null;
            _buffer = new CudaBuffer(context, dtype, Math.Max(256, elements + elements / 2));
        }
        return _buffer.Address;
    }

    public void Dispose() => _buffer?.Dispose();
}

/// <summary>Integers that kernels read: which rows, pages and tiles there are. All layers of a pass say the same, so it travels once.</summary>
internal sealed unsafe class IntegerTable(CudaContext context) : IDisposable
{
    private readonly Scratch _room = new(context, DType.I32);
    private readonly List<int> _there = [];
    private long _round = -1; // of the context, when a launch last asked for the table

    /// <summary>Address of the values on the device, for launches of the running operation.</summary>
    public ulong Put(ReadOnlySpan<int> values)
    {
        var differs = !values.SequenceEqual(CollectionsMarshal.AsSpan(_there));
        if (differs && _round == context.Round)
        {
            context.Flush(); // launches that are written down read what is there now
        }
        _round = context.Round;
        var address = _room.Take(values.Length);
        if (differs)
        {
            _there.Clear(); // should the copy fail, nothing is known of the device's memory
            fixed (int* source = values)
            {
                context.UploadAhead(source, address, values.Length * sizeof(int));
            }
            _there.AddRange(values);
        }
        return address;
    }

    public void Dispose() => _room.Dispose();
}
