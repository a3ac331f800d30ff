using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace IccEngine.Cpu;

/// <summary>Sixteen lanes.</summary>
internal readonly unsafe struct Avx512Ops : IVectorOps<Vector512<float>>
{
    public static int Count => 16;

    public static int TileRows => 8;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBF16(ushort* source) =>
        Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Vector256.Load(source)), 16).AsSingle();

    public static Vector512<float> LoadF16(ushort* source) => WidenF16(Avx512F.ConvertToVector512Int32(Vector256.Load(source)));

    public static Vector512<float> FirstBF16(Vector512<float> pairs) => Avx512F.ShiftLeftLogical(pairs.AsInt32(), 16).AsSingle();

    public static Vector512<float> SecondBF16(Vector512<float> pairs) => Avx512F.And(pairs.AsInt32(), Vector512.Create(unchecked((int)0xffff0000))).AsSingle();

    public static Vector512<float> FirstF16(Vector512<float> pairs) => WidenF16(Avx512F.And(pairs.AsInt32(), Vector512.Create(0xffff)));

    public static Vector512<float> SecondF16(Vector512<float> pairs) => WidenF16(Avx512F.ShiftRightLogical(pairs.AsInt32(), 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadI8(sbyte* source) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load(source)));

    public static void Store(Vector512<float> vector, float* destination) => vector.Store(destination);

    public static Vector512<float> Broadcast(float value) => Vector512.Create(value);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => Avx512F.Add(a, b);

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => Avx512F.Subtract(a, b);

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => Avx512F.Multiply(a, b);

    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => Avx512F.Divide(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) =>
        Avx512F.FusedMultiplyAdd(a, b, c);

    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Avx512F.Max(a, b);

    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Avx512F.Min(a, b);

    public static Vector512<float> Round(Vector512<float> x) => Avx512F.RoundScale(x, 0);

    public static Vector512<float> Scale(Vector512<float> x, Vector512<float> n) => Avx512F.Scale(x, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Within(Vector512<float> first, Vector512<float> key, Vector512<float> last, Vector512<float> x)
    {
        var inside = Avx512F.And(
            Avx512F.CompareLessThanOrEqual(first, key).AsInt32(), Avx512F.CompareLessThanOrEqual(key, last).AsInt32()).AsSingle();
        return Avx512F.BlendVariable(Vector512.Create(float.NegativeInfinity), x, inside);
    }

    public static bool AnyGreater(Vector512<float> a, Vector512<float> b) => Vector512.GreaterThanAny(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x)
    {
        var eight = Avx.Add(x.GetLower(), x.GetUpper());
        var four = Sse.Add(eight.GetLower(), eight.GetUpper());
        var two = Sse.Add(four, Sse.MoveHighToLow(four, four));
        return Sse.AddScalar(two, Sse.Shuffle(two, two, 0b01)).ToScalar();
    }

    public static float Largest(Vector512<float> x) => Avx2Ops.Largest(Avx.Max(x.GetLower(), x.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride)
    {
        // Squares of 4 x 4 within the 128-bit lanes, then the lanes themselves.
        Quads(source, sourceStride, out var a0, out var a1, out var a2, out var a3);
        Quads(source + 4 * sourceStride, sourceStride, out var b0, out var b1, out var b2, out var b3);
        Quads(source + 8 * sourceStride, sourceStride, out var c0, out var c1, out var c2, out var c3);
        Quads(source + 12 * sourceStride, sourceStride, out var d0, out var d1, out var d2, out var d3);
        Lanes(a0, b0, c0, d0, destination, destinationStride);
        Lanes(a1, b1, c1, d1, destination + destinationStride, destinationStride);
        Lanes(a2, b2, c2, d2, destination + 2 * destinationStride, destinationStride);
        Lanes(a3, b3, c3, d3, destination + 3 * destinationStride, destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads(
        float* source, nint stride, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        var r0 = Vector512.Load(source);
        var r1 = Vector512.Load(source + stride);
        var r2 = Vector512.Load(source + 2 * stride);
        var r3 = Vector512.Load(source + 3 * stride);
        var (low01, high01) = (Avx512F.UnpackLow(r0, r1), Avx512F.UnpackHigh(r0, r1));
        var (low23, high23) = (Avx512F.UnpackLow(r2, r3), Avx512F.UnpackHigh(r2, r3));
        c0 = Avx512F.Shuffle(low01, low23, 0x44);
        c1 = Avx512F.Shuffle(low01, low23, 0xee);
        c2 = Avx512F.Shuffle(high01, high23, 0x44);
        c3 = Avx512F.Shuffle(high01, high23, 0xee);
    }

    /// <summary>Lane i of the four vectors becomes row 4 i of the destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* destination, nint stride)
    {
        var (ab02, ab13) = (Avx512F.Shuffle4x128(a, b, 0x88), Avx512F.Shuffle4x128(a, b, 0xdd));
        var (cd02, cd13) = (Avx512F.Shuffle4x128(c, d, 0x88), Avx512F.Shuffle4x128(c, d, 0xdd));
        Avx512F.Shuffle4x128(ab02, cd02, 0x88).Store(destination);
        Avx512F.Shuffle4x128(ab13, cd13, 0x88).Store(destination + 4 * stride);
        Avx512F.Shuffle4x128(ab02, cd02, 0xdd).Store(destination + 8 * stride);
        Avx512F.Shuffle4x128(ab13, cd13, 0xdd).Store(destination + 12 * stride);
    }

    /// <summary>IEEE half floats in the lower halves of the lanes, nothing above them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> WidenF16(Vector512<int> bits)
    {
        // Exponent and mantissa moved to their places in a float32 are 2^-112 of the value, subnormals included.
        var sign = Avx512F.ShiftLeftLogical(Avx512F.And(bits, Vector512.Create(0x8000)), 16);
        var magnitude = Avx512F.ShiftLeftLogical(Avx512F.And(bits, Vector512.Create(0x7fff)), 13);
        var value = Avx512F.Multiply(magnitude.AsSingle(), Vector512.Create(0x77800000).AsSingle()).AsInt32();
        var special = Avx512F.CompareGreaterThan(magnitude, Vector512.Create(0x0f7fffff)); // infinity or NaN
        value = Avx512F.Or(value, Avx512F.And(special, Vector512.Create(0x7f800000)));
        return Avx512F.Or(value, sign).AsSingle();
    }
}
