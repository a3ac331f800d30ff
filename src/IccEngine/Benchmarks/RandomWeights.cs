using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine;

/// <summary>Random numbers in the types of weights.</summary>
internal static class RandomWeights
{
    private const int Part = 1 << 16;
    private const float Deviation = 0.02f;

    // Four uniform 16-bit numbers, less their mean, have a variance of 4 * 65536^2 / 12.
    private const float Step = Deviation / (65536f * 0.57735027f);

    /// <summary>Writes a tensor: ones for a vector (a norm), random numbers for a matrix.</summary>
    public static void Write(Stream stream, string name, DType dtype, long[] extents, long seed, Action<int> onWritten)
    {
        var elements = extents.Aggregate(1L, (n, e) => n * e);
        var values = new float[Math.Min(Part, elements)];
        var bytes = new byte[dtype.Bytes(values.Length)];
        var state = Seed(name, seed);
        for (long at = 0; at < elements; at += values.Length)
        {
            var part = values.AsSpan(0, (int)Math.Min(values.Length, elements - at));
            if (extents.Length == 1)
            {
                part.Fill(1);
            }
            else
            {
                Fill(part, ref state);
            }
            var encoded = bytes.AsSpan(0, (int)dtype.Bytes(part.Length));
            Encode(part, dtype, encoded);
            stream.Write(encoded);
            onWritten(encoded.Length);
        }
    }

    /// <summary>A matrix in memory, for an operation that is measured alone.</summary>
    public static byte[] Matrix(DType dtype, int rows, int columns)
    {
        var bytes = new byte[dtype.Bytes((long)rows * columns)];
        using var stream = new MemoryStream(bytes);
        Write(stream, $"[{rows}, {columns}]", dtype, [rows, columns], 0, _ => { });
        return bytes;
    }

    /// <summary>Random numbers of deviation 0.02.</summary>
    public static void Fill(Span<float> values, ref ulong state)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var bits = Next(ref state);
            var sum = (int)(bits & 0xffff) + (int)((bits >> 16) & 0xffff) + (int)((bits >> 32) & 0xffff) + (int)(bits >> 48);
            values[i] = (sum - 131070) * Step;
        }
    }

    /// <summary>The state that a tensor begins with: by its name, so that no order of writing matters (FNV-1a).</summary>
    public static ulong Seed(string name, long seed)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in name)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }
        return hash ^ ((ulong)seed * 0x9e3779b97f4a7c15UL);
    }

    // SplitMix64 (Steele, Lea, Flood 2014).
    private static ulong Next(ref ulong state)
    {
        var z = state += 0x9e3779b97f4a7c15UL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
        return z ^ (z >> 31);
    }

    private static void Encode(ReadOnlySpan<float> values, DType dtype, Span<byte> bytes)
    {
        switch (dtype)
        {
            case DType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case DType.F16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    halves[i] = (Half)values[i];
                }
                break;
            case DType.BF16:
                var upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (var i = 0; i < values.Length; i++)
                {
                    var bits = BitConverter.SingleToUInt32Bits(values[i]);
                    upper[i] = (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16); // to the nearest, ties to even
                }
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(dtype), dtype, null);
        }
    }
}
