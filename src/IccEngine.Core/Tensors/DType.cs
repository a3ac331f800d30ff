namespace IccEngine.Core;

/// <summary>Element types, with the names of the safetensors format.</summary>
public enum DType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,
    /// <summary>Unsigned 8-bit integer.</summary>
    U8,
    /// <summary>Signed 8-bit integer.</summary>
    I8,
    /// <summary>Unsigned 16-bit integer.</summary>
    U16,
    /// <summary>Signed 16-bit integer.</summary>
    I16,
    /// <summary>Unsigned 32-bit integer.</summary>
    U32,
    /// <summary>Signed 32-bit integer.</summary>
    I32,
    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
    /// <summary>Signed 64-bit integer.</summary>
    I64,
    /// <summary>IEEE half precision.</summary>
    F16,
    /// <summary>bfloat16: the upper half of a float32.</summary>
    BF16,
    /// <summary>IEEE single precision.</summary>
    F32,
    /// <summary>IEEE double precision.</summary>
    F64,
    /// <summary>Complex number of two float32.</summary>
    C64,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits.</summary>
    F8E5M2,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits.</summary>
    F8E4M3,
    /// <summary>8-bit float, 5 exponent and 2 mantissa bits, no negative zero.</summary>
    F8E5M2Fnuz,
    /// <summary>8-bit float, 4 exponent and 3 mantissa bits, no negative zero.</summary>
    F8E4M3Fnuz,
    /// <summary>8-bit exponent (scale) without sign or mantissa.</summary>
    F8E8M0,
    /// <summary>6-bit float, 2 exponent and 3 mantissa bits, packed.</summary>
    F6E2M3,
    /// <summary>6-bit float, 3 exponent and 2 mantissa bits, packed.</summary>
    F6E3M2,
    /// <summary>4-bit float, packed, two to a byte.</summary>
    F4,
}

/// <summary>Sizes of the element types.</summary>
public static class DTypes
{
    /// <summary>Size of one element in bits (4 and 6 for the packed types).</summary>
    public static int Bits(this DType dtype) => dtype switch
    {
        DType.F4 => 4,
        DType.F6E2M3 or DType.F6E3M2 => 6,
        DType.Bool or DType.U8 or DType.I8 or DType.F8E5M2 or DType.F8E4M3 or DType.F8E5M2Fnuz or DType.F8E4M3Fnuz
            or DType.F8E8M0 => 8,
        DType.U16 or DType.I16 or DType.F16 or DType.BF16 => 16,
        DType.U32 or DType.I32 or DType.F32 => 32,
        DType.U64 or DType.I64 or DType.F64 or DType.C64 => 64,
        _ => throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null),
    };

    /// <summary>Bytes that <paramref name="elements"/> elements take.</summary>
    /// <exception cref="OverflowException">More bytes than a 64-bit number can say.</exception>
    /// <exception cref="ArgumentException">The elements of a packed type do not end on a byte.</exception>
    public static long Bytes(this DType dtype, long elements)
    {
        var bits = dtype.Bits();
        if (bits % 8 == 0)
        {
            return checked(elements * (bits / 8));
        }
        var all = checked(elements * bits);
        return all % 8 == 0 ? all / 8 : throw new ArgumentException($"{elements} elements of {dtype} do not end on a byte");
    }
}
