using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>One lane: scalar code for machines without the vectors, and the check of the others.</summary>
internal readonly unsafe struct PlainOps : IVectorOps<float>
{
    public static int Count => 1;

    public static int TileRows => 4;

    public static float Zero => 0;

    public static float Load(float* source) => *source;

    public static float LoadBF16(ushort* source) => BitConverter.UInt32BitsToSingle((uint)*source << 16);

    public static float LoadF16(ushort* source) => (float)BitConverter.UInt16BitsToHalf(*source);

    public static float FirstBF16(float pairs) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(pairs) << 16);

    public static float SecondBF16(float pairs) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(pairs) & 0xffff0000);

    public static float FirstF16(float pairs) => (float)BitConverter.UInt16BitsToHalf((ushort)BitConverter.SingleToUInt32Bits(pairs));

    public static float SecondF16(float pairs) => (float)BitConverter.UInt16BitsToHalf((ushort)(BitConverter.SingleToUInt32Bits(pairs) >> 16));

    public static float LoadI8(sbyte* source) => *source;

    public static void Store(float vector, float* destination) => *destination = vector;

    public static float Broadcast(float value) => value;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    // Not fused: without the instruction a fused product is a slow library call.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MultiplyAdd(float a, float b, float c) => a * b + c;

    public static float Max(float a, float b) => a > b ? a : b;

    public static float Min(float a, float b) => a < b ? a : b;

    // Adding 1.5 * 2^23 leaves no bits for a fraction.
    public static float Round(float x) => (x + 12582912f) - 12582912f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float x, float n)
    {
        // In two steps, so that neither power leaves the exponents of a float.
        var exponent = (int)n;
        var half = exponent >> 1;
        return x * PowerOfTwo(half) * PowerOfTwo(exponent - half);
    }

    public static float Within(float first, float key, float last, float x) => first <= key && key <= last ? x : float.NegativeInfinity;

    public static bool AnyGreater(float a, float b) => a > b;

    public static float Sum(float x) => x;

    public static float Largest(float x) => x;

    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride) => *destination = *source;

    private static float PowerOfTwo(int n) => BitConverter.Int32BitsToSingle((n + 127) << 23);
}
