using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>How a weight's elements are stored, and how they widen to float32. Addresses are aligned to nothing.</summary>
internal unsafe interface IElements
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    /// <summary>Widens a vector of elements.</summary>
    static abstract TV Load<TOps, TV>(byte* source)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged;

    /// <summary>Widens the first elements of pairs that lie in the lanes; for elements of two bytes.</summary>
    static abstract TV First<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged;

    /// <summary>Widens the second elements of such pairs.</summary>
    static abstract TV Second<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged;

    /// <summary>Widens one element.</summary>
    static abstract float One(byte* source);
}

/// <summary>float32.</summary>
internal readonly unsafe struct F32Elements : IElements
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Load<TOps, TV>(byte* source)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV First<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => throw new NotSupportedException();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Second<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => throw new NotSupportedException();

    public static float One(byte* source) => *(float*)source;
}

/// <summary>bfloat16.</summary>
internal readonly unsafe struct BF16Elements : IElements
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Load<TOps, TV>(byte* source)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.LoadBF16((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV First<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.FirstBF16(pairs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Second<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.SecondBF16(pairs);

    public static float One(byte* source) => PlainOps.LoadBF16((ushort*)source);
}

/// <summary>IEEE half precision.</summary>
internal readonly unsafe struct F16Elements : IElements
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Load<TOps, TV>(byte* source)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.LoadF16((ushort*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV First<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.FirstF16(pairs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Second<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.SecondF16(pairs);

    public static float One(byte* source) => PlainOps.LoadF16((ushort*)source);
}
