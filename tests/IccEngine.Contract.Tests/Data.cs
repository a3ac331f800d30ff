using System.Runtime.InteropServices;
using IccEngine.Core;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>Inputs and comparisons.</summary>
internal static class Data
{
    /// <summary>Sizes around the edges of vectors, tiles and blocks.</summary>
    public static readonly int[] OddSizes = [1, 2, 3, 31, 33, 127, 129];

    /// <summary>Numbers within [-1, 1] that depend on the seed only.</summary>
    public static float[] Uniform(long n, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[n];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = scale * (2 * random.NextSingle() - 1);
        }
        return values;
    }

    /// <summary>A number rounded to bfloat16, to nearest, ties to even.</summary>
    public static float Rounded(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle(bits + 0x7fff + (bits >> 16 & 1) & 0xffff0000);
    }

    /// <summary>A parameter of the given type, with some zeros and subnormals of that type in it.</summary>
    public static HostTensor Weight(DType dtype, int seed, float scale, params long[] extents)
    {
        var values = Uniform(extents.Aggregate(1L, (a, b) => a * b), seed, scale);
        for (var i = 7; i < values.Length; i += 11)
        {
            values[i] *= i % 2 == 0 ? 0 : 1e-5f; // 1e-5 is subnormal in float16
        }
        for (var i = 5; i < values.Length; i += 13)
        {
            values[i] *= dtype == DType.F16 ? 1e-6f : 1e-39f; // subnormal in the other types
        }
        return dtype switch
        {
            DType.F32 => HostTensor.FromArray("weight", values, extents),
            DType.F64 => HostTensor.FromArray("weight", Array.ConvertAll(values, v => v * 1.0000000123), extents),
            DType.F16 => Bytes(Array.ConvertAll(values, v => (Half)v), dtype, extents),
            DType.BF16 => Bytes(Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)), dtype, extents),
            _ => throw new ArgumentOutOfRangeException(nameof(dtype)),
        };
    }

    /// <summary>A tensor of the backend with the given values.</summary>
    public static Tensor Tensor(IBackend backend, float[] values, Shape shape)
    {
        var tensor = backend.Allocate(shape);
        backend.Write(values, tensor);
        return tensor;
    }

    /// <summary>The values of a tensor.</summary>
    public static double[] Read(IBackend backend, Tensor tensor)
    {
        var values = new double[tensor.Shape.Elements];
        backend.Read(tensor, values);
        return values;
    }

    /// <summary>Compares with the twin's values.</summary>
    public static void AssertClose(double[] expected, double[] found, Tolerance tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var allowed = tolerance.Absolute + tolerance.Relative * Math.Abs(expected[i]);
            if (!(Math.Abs(expected[i] - found[i]) <= allowed) && !expected[i].Equals(found[i]))
            {
                Assert.Fail($"{what}: element {i} is {found[i]:R}, expected {expected[i]:R} within {allowed:E1} "
                    + $"(off by {Math.Abs(expected[i] - found[i]):E2})");
            }
        }
    }

    // At an odd address, as a tensor in a file may be.
    private static HostTensor Bytes<T>(T[] values, DType dtype, long[] extents) where T : unmanaged
    {
        var raw = MemoryMarshal.AsBytes<T>(values);
        var bytes = GC.AllocateArray<byte>(raw.Length + 1, pinned: true);
        raw.CopyTo(bytes.AsSpan(1));
        return new HostTensor("weight", dtype, extents, Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 1), bytes);
    }
}
