using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace IccEngine.Cpu;

/// <summary>Eight lanes.</summary>
internal readonly unsafe struct Avx2Ops : IVectorOps<Vector256<float>>
{
    public static int Count => 8;

    public static int TileRows => 4;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBF16(ushort* source) =>
        Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(source), 16).AsSingle();

    public static Vector256<float> LoadF16(ushort* source) => WidenF16(Avx2.ConvertToVector256Int32(source));

    public static Vector256<float> FirstBF16(Vector256<float> pairs) => Avx2.ShiftLeftLogical(pairs.AsInt32(), 16).AsSingle();

    public static Vector256<float> SecondBF16(Vector256<float> pairs) => Avx2.And(pairs.AsInt32(), Vector256.Create(unchecked((int)0xffff0000))).AsSingle();

    public static Vector256<float> FirstF16(Vector256<float> pairs) => WidenF16(Avx2.And(pairs.AsInt32(), Vector256.Create(0xffff)));

    public static Vector256<float> SecondF16(Vector256<float> pairs) => WidenF16(Avx2.ShiftRightLogical(pairs.AsInt32(), 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadI8(sbyte* source) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(source));

    public static void Store(Vector256<float> vector, float* destination) => vector.Store(destination);

    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => Avx.Add(a, b);

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => Avx.Subtract(a, b);

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => Avx.Multiply(a, b);

    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => Avx.Divide(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Fma.MultiplyAdd(a, b, c);

    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    public static Vector256<float> Round(Vector256<float> x) => Avx.RoundToNearestInteger(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> x, Vector256<float> n)
    {
        // In two steps, so that neither power leaves the exponents of a float.
        var exponent = Avx.ConvertToVector256Int32(n);
        var half = Avx2.ShiftRightArithmetic(exponent, 1);
        return Avx.Multiply(Avx.Multiply(x, PowerOfTwo(half)), PowerOfTwo(Avx2.Subtract(exponent, half)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Within(Vector256<float> first, Vector256<float> key, Vector256<float> last, Vector256<float> x)
    {
        var inside = Avx.And(Avx.CompareLessThanOrEqual(first, key), Avx.CompareLessThanOrEqual(key, last));
        return Avx.BlendVariable(Vector256.Create(float.NegativeInfinity), x, inside);
    }

    public static bool AnyGreater(Vector256<float> a, Vector256<float> b) => Avx.MoveMask(Avx.CompareGreaterThan(a, b)) != 0;

    public static float Sum(Vector256<float> x) => Vector256.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector256<float> x)
    {
        var four = Sse.Max(x.GetLower(), x.GetUpper());
        var two = Sse.Max(four, Sse.MoveHighToLow(four, four));
        return Sse.MaxScalar(two, Sse.Shuffle(two, two, 0b01)).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        var r0 = Vector256.Load(source);
        var r1 = Vector256.Load(source + sourceStride);
        var r2 = Vector256.Load(source + 2 * sourceStride);
        var r3 = Vector256.Load(source + 3 * sourceStride);
        var r4 = Vector256.Load(source + 4 * sourceStride);
        var r5 = Vector256.Load(source + 5 * sourceStride);
        var r6 = Vector256.Load(source + 6 * sourceStride);
        var r7 = Vector256.Load(source + 7 * sourceStride);
        Quads(r0, r1, r2, r3, out var a0, out var a1, out var a2, out var a3);
        Quads(r4, r5, r6, r7, out var b0, out var b1, out var b2, out var b3);
        Avx.Permute2x128(a0, b0, 0x20).Store(destination);
        Avx.Permute2x128(a1, b1, 0x20).Store(destination + destinationStride);
        Avx.Permute2x128(a2, b2, 0x20).Store(destination + 2 * destinationStride);
        Avx.Permute2x128(a3, b3, 0x20).Store(destination + 3 * destinationStride);
        Avx.Permute2x128(a0, b0, 0x31).Store(destination + 4 * destinationStride);
        Avx.Permute2x128(a1, b1, 0x31).Store(destination + 5 * destinationStride);
        Avx.Permute2x128(a2, b2, 0x31).Store(destination + 6 * destinationStride);
        Avx.Permute2x128(a3, b3, 0x31).Store(destination + 7 * destinationStride);
    }

    /// <summary>Transposes the 4 x 4 squares of four rows within their 128-bit lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads(
        Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3,
        out Vector256<float> c0, out Vector256<float> c1, out Vector256<float> c2, out Vector256<float> c3)
    {
        var (low01, high01) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1));
        var (low23, high23) = (Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        c0 = Avx.Shuffle(low01, low23, 0x44);
        c1 = Avx.Shuffle(low01, low23, 0xee);
        c2 = Avx.Shuffle(high01, high23, 0x44);
        c3 = Avx.Shuffle(high01, high23, 0xee);
    }

    private static Vector256<float> PowerOfTwo(Vector256<int> n) =>
        Avx2.ShiftLeftLogical(Avx2.Add(n, Vector256.Create(127)), 23).AsSingle();

    /// <summary>IEEE half floats in the lower halves of the lanes, nothing above them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> WidenF16(Vector256<int> bits)
    {
        // Exponent and mantissa moved to their places in a float32 are 2^-112 of the value, subnormals included.
        var sign = Avx2.ShiftLeftLogical(Avx2.And(bits, Vector256.Create(0x8000)), 16);
        var magnitude = Avx2.ShiftLeftLogical(Avx2.And(bits, Vector256.Create(0x7fff)), 13);
        var value = Avx.Multiply(magnitude.AsSingle(), Vector256.Create(0x77800000).AsSingle()).AsInt32();
        var special = Avx2.CompareGreaterThan(magnitude, Vector256.Create(0x0f7fffff)); // infinity or NaN
        value = Avx2.Or(value, Avx2.And(special, Vector256.Create(0x7f800000)));
        return Avx2.Or(value, sign).AsSingle();
    }
}
