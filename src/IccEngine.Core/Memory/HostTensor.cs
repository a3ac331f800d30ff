using System.Runtime.InteropServices;

namespace IccEngine.Core;

/// <summary>
/// A read-only tensor in host memory: a view of a mapped file, or of memory made for it. It says where the bytes are and keeps them
/// alive; it copies nothing. Extents are 64-bit as in the files.
/// </summary>
public sealed unsafe class HostTensor
{
    private readonly byte* _address;
    private readonly object _owner;

    /// <summary>A view of memory that <paramref name="owner"/> keeps alive and in place.</summary>
    /// <param name="name">Name for messages.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="extents">Extents, row-major.</param>
    /// <param name="address">First byte; aligned to nothing.</param>
    /// <param name="owner">Kept reachable as long as the view is.</param>
    public HostTensor(string name, DType dtype, IReadOnlyList<long> extents, nint address, object owner)
    {
        (Name, DType, Extents, _owner) = (name, dtype, extents, owner);
        _address = (byte*)address;
        long n = 1;
        foreach (var extent in extents)
        {
            n = checked(n * extent);
        }
        (Elements, ByteLength) = (n, dtype.Bytes(n));
    }

    /// <summary>Name for messages.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public DType DType { get; }

    /// <summary>Extents, row-major; empty for a scalar.</summary>
    public IReadOnlyList<long> Extents { get; }

    /// <summary>Number of elements.</summary>
    public long Elements { get; }

    /// <summary>Number of bytes.</summary>
    public long ByteLength { get; }

    /// <summary>Address of the first byte, for backends that read the memory where it lies; valid while this object is reachable.</summary>
    public nint Address => (nint)_address;

    /// <summary>What keeps the memory alive.</summary>
    public object Owner => _owner;

    /// <summary>A part of the bytes (a span holds less than 2 GiB).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part is not inside the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, ByteLength - offset, nameof(length));
        return new ReadOnlySpan<byte>(_address + offset, length);
    }

    /// <summary>Copies elements [start, start + destination.Length) as float32, widening or rounding where needed.</summary>
    /// <exception cref="IccUnsupportedException">The type has no such reading (integers, 8-bit floats).</exception>
    public void CopyTo(long start, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(destination.Length, Elements - start, nameof(start));
        switch (DType)
        {
            case DType.F32:
                MemoryMarshal.Cast<byte, float>(new ReadOnlySpan<byte>(_address + start * 4, destination.Length * 4)).CopyTo(destination);
                break;
            case DType.BF16:
                var bits = (ushort*)_address + start;
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
                }
                break;
            case DType.F16:
                var halves = (Half*)_address + start;
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)halves[i];
                }
                break;
            case DType.F64:
                var doubles = (double*)_address + start;
                for (var i = 0; i < destination.Length; i++)
                {
                    destination[i] = (float)doubles[i];
                }
                break;
            default:
                throw new IccUnsupportedException($"tensor {Name}: cannot read {DType} as float32; expected F32, BF16, F16 or F64");
        }
    }

    /// <summary>All elements as float32, in a new array.</summary>
    /// <exception cref="IccUnsupportedException">The type has no such reading, or there are too many elements for an array.</exception>
    public float[] ToSingles()
    {
        if (Elements > Array.MaxLength)
        {
            throw new IccUnsupportedException($"tensor {Name}: {Elements} elements do not fit one array");
        }
        var values = new float[Elements];
        CopyTo(0, values);
        return values;
    }

    /// <summary>The extents as a <see cref="Shape"/>, for a parameter that a backend can hold.</summary>
    /// <exception cref="IccUnsupportedException">Not F32, BF16, F16 or F64, or more than two or too large extents.</exception>
    public Shape WeightShape()
    {
        if (DType is not (DType.F32 or DType.BF16 or DType.F16 or DType.F64))
        {
            throw new IccUnsupportedException($"tensor {Name}: weights of type {DType} are not supported; expected F32, BF16, F16 or F64");
        }
        if (Extents.Count is not (1 or 2) || Extents.Any(e => e is < 1 or > int.MaxValue))
        {
            throw new IccUnsupportedException(
                $"tensor {Name}: extents [{string.Join(", ", Extents)}]; expected one or two, each from 1 to {int.MaxValue}");
        }
        return Extents.Count == 1 ? new Shape((int)Extents[0]) : new Shape((int)Extents[0], (int)Extents[1]);
    }

    /// <summary>A tensor of its own from managed values, which it pins.</summary>
    public static HostTensor FromArray(string name, float[] values, params long[] extents) => Pin(name, DType.F32, values, extents);

    /// <inheritdoc cref="FromArray(string, float[], long[])"/>
    public static HostTensor FromArray(string name, double[] values, params long[] extents) => Pin(name, DType.F64, values, extents);

    /// <inheritdoc cref="FromArray(string, float[], long[])"/>
    public static HostTensor FromArray(string name, long[] values, params long[] extents) => Pin(name, DType.I64, values, extents);

    /// <summary>A tensor of its own from raw bytes, which it pins.</summary>
    public static HostTensor FromBytes(string name, DType dtype, byte[] bytes, params long[] extents) => Pin(name, dtype, bytes, extents);

    private static HostTensor Pin<T>(string name, DType dtype, T[] values, long[] extents) where T : unmanaged
    {
        var pinned = new PinnedArray(values);
        var tensor = new HostTensor(name, dtype, extents, pinned.Address, pinned);
        return tensor.ByteLength == (long)values.Length * sizeof(T)
            ? tensor
            : throw new ArgumentException($"tensor {name}: {values.Length} values for extents [{string.Join(", ", extents)}]");
    }

    private sealed class PinnedArray(Array array)
    {
        private GCHandle _handle = GCHandle.Alloc(array, GCHandleType.Pinned);

        public nint Address => _handle.AddrOfPinnedObject();

        ~PinnedArray() => _handle.Free();
    }
}
