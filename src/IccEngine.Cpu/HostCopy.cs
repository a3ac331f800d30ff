using System.Numerics;
using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>Copies between tensors and memory of the caller.</summary>
internal static unsafe class HostCopy
{
    /// <summary>The elements of a tensor, which the caller's span must match in number.</summary>
    /// <exception cref="ArgumentException">It does not.</exception>
    public static Span<float> Span(Tensor x, int length, string name)
    {
        Expect.That(length == x.Shape.Elements, name, length, x.Shape);
        return new Span<float>(CpuBackend.Pointer(x), length);
    }

    /// <summary>Rounds to float32.</summary>
    public static void Narrow(ReadOnlySpan<double> source, Span<float> destination)
    {
        var doubles = MemoryMarshal.Cast<double, Vector<double>>(source);
        var floats = MemoryMarshal.Cast<float, Vector<float>>(destination);
        for (var i = 0; i < floats.Length; i++)
        {
            floats[i] = Vector.Narrow(doubles[2 * i], doubles[2 * i + 1]);
        }
        for (var i = floats.Length * Vector<float>.Count; i < source.Length; i++)
        {
            destination[i] = (float)source[i];
        }
    }

    /// <summary>Widens to float64.</summary>
    public static void Widen(ReadOnlySpan<float> source, Span<double> destination)
    {
        var floats = MemoryMarshal.Cast<float, Vector<float>>(source);
        var doubles = MemoryMarshal.Cast<double, Vector<double>>(destination);
        for (var i = 0; i < floats.Length; i++)
        {
            Vector.Widen(floats[i], out doubles[2 * i], out doubles[2 * i + 1]);
        }
        for (var i = floats.Length * Vector<float>.Count; i < source.Length; i++)
        {
            destination[i] = source[i];
        }
    }
}
