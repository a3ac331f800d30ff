using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>8-bit integers, still without the scales of their groups; products with them have kernels of their own.</summary>
internal readonly unsafe struct Int8Elements : IElements
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TV Load<TOps, TV>(byte* source)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => TOps.LoadI8((sbyte*)source);

    public static TV First<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => throw new NotSupportedException();

    public static TV Second<TOps, TV>(TV pairs)
        where TOps : struct, IVectorOps<TV>
        where TV : unmanaged => throw new NotSupportedException();

    public static float One(byte* source) => *(sbyte*)source;

    /// <summary>A scale: float16, neither negative nor infinite nor NaN. Moved to the places of a float32 it is 2^-112 of the value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(ushort half) => BitConverter.UInt32BitsToSingle((uint)half << 13) * BitConverter.UInt32BitsToSingle(0x77800000);
}
