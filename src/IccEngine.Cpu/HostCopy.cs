using System.Numerics;
using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>Copies between tensors and memory of the caller.</summary>
internal static unsafe class HostCopy
{
    /// <summary>Copies from the host, rounding where the tensor is narrower.</summary>
    public static void Write(ReadOnlySpan<double> source, Tensor destination)
    {
        Expect.That(source.Length == destination.Shape.Elements, nameof(source), source.Length, destination.Shape);
        if (destination.Buffer is { DType: DType.F64 })
        {
            source.CopyTo(new Span<double>(Address<double>(destination), source.Length));
            return;
        }
        Narrow(source, new Span<float>(Address<float>(destination), source.Length));
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{double}, Tensor)"/>
    public static void Write(ReadOnlySpan<float> source, Tensor destination)
    {
        Expect.That(source.Length == destination.Shape.Elements, nameof(source), source.Length, destination.Shape);
        if (destination.Buffer is { DType: DType.F64 })
        {
            Widen(source, new Span<double>(Address<double>(destination), source.Length));
            return;
        }
        source.CopyTo(new Span<float>(Address<float>(destination), source.Length));
    }

    /// <summary>Copies to the host, rounding where the caller's memory is narrower.</summary>
    public static void Read(Tensor source, Span<double> destination)
    {
        Expect.That(destination.Length == source.Shape.Elements, nameof(destination), destination.Length, source.Shape);
        if (source.Buffer is { DType: DType.F64 })
        {
            new Span<double>(Address<double>(source), destination.Length).CopyTo(destination);
            return;
        }
        Widen(new Span<float>(Address<float>(source), destination.Length), destination);
    }

    /// <inheritdoc cref="Read(Tensor, Span{double})"/>
    public static void Read(Tensor source, Span<float> destination)
    {
        Expect.That(destination.Length == source.Shape.Elements, nameof(destination), destination.Length, source.Shape);
        if (source.Buffer is { DType: DType.F64 })
        {
            Narrow(new Span<double>(Address<double>(source), destination.Length), destination);
            return;
        }
        new Span<float>(Address<float>(source), destination.Length).CopyTo(destination);
    }

    /// <summary>First element of a tensor of this backend, of type <typeparamref name="T"/>.</summary>
    /// <exception cref="ArgumentException">It is of another backend or type, or nothing.</exception>
    /// <exception cref="ObjectDisposedException">Its memory was given back.</exception>
    public static T* Address<T>(Tensor x) where T : unmanaged
    {
        var dtype = typeof(T) == typeof(double) ? DType.F64 : DType.F32;
        if (x.Buffer is not HostBuffer buffer || buffer.DType != dtype)
        {
            throw new ArgumentException($"a tensor {x.Shape} of {(x.IsEmpty ? "nothing" : x.DType)}; expected {dtype} in host memory");
        }
        ObjectDisposedException.ThrowIf(buffer.Address == 0, buffer);
        return (T*)buffer.Address + x.Offset;
    }

    /// <summary>Rounds to float32.</summary>
    private static void Narrow(ReadOnlySpan<double> source, Span<float> destination)
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
    private static void Widen(ReadOnlySpan<float> source, Span<double> destination)
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
