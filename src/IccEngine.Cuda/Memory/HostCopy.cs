using System.Buffers;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Copies between tensors and memory of the caller, converted on the host where the types differ.</summary>
internal static unsafe class HostCopy
{
    /// <summary>Elements that are converted at once.</summary>
    private const int Piece = 1 << 20;

    public static void Write(CudaContext context, ReadOnlySpan<float> source, Tensor destination)
    {
        Expect.That(source.Length == destination.Shape.Elements, nameof(source), source.Length, destination.Shape);
        var address = Owned.AnyAddress(destination, context);
        if (destination.DType == DType.F32)
        {
            Upload(context, source, address);
            return;
        }
        var piece = ArrayPool<double>.Shared.Rent(Math.Min(Piece, source.Length));
        for (var done = 0; done < source.Length; done += Piece)
        {
            var part = source.Slice(done, Math.Min(Piece, source.Length - done));
            for (var i = 0; i < part.Length; i++)
            {
                piece[i] = part[i];
            }
            Upload<double>(context, piece.AsSpan(0, part.Length), address + (ulong)done * sizeof(double));
        }
        ArrayPool<double>.Shared.Return(piece);
    }

    public static void Write(CudaContext context, ReadOnlySpan<double> source, Tensor destination)
    {
        Expect.That(source.Length == destination.Shape.Elements, nameof(source), source.Length, destination.Shape);
        var address = Owned.AnyAddress(destination, context);
        if (destination.DType == DType.F64)
        {
            Upload(context, source, address);
            return;
        }
        var piece = ArrayPool<float>.Shared.Rent(Math.Min(Piece, source.Length));
        for (var done = 0; done < source.Length; done += Piece)
        {
            var part = source.Slice(done, Math.Min(Piece, source.Length - done));
            for (var i = 0; i < part.Length; i++)
            {
                piece[i] = (float)part[i];
            }
            Upload<float>(context, piece.AsSpan(0, part.Length), address + (ulong)done * sizeof(float));
        }
        ArrayPool<float>.Shared.Return(piece);
    }

    public static void Read(CudaContext context, Tensor source, Span<float> destination)
    {
        Expect.That(destination.Length == source.Shape.Elements, nameof(destination), destination.Length, source.Shape);
        var address = Owned.AnyAddress(source, context);
        if (source.DType == DType.F32)
        {
            Download(context, address, destination);
            return;
        }
        var piece = ArrayPool<double>.Shared.Rent(Math.Min(Piece, destination.Length));
        for (var done = 0; done < destination.Length; done += Piece)
        {
            var part = destination.Slice(done, Math.Min(Piece, destination.Length - done));
            Download(context, address + (ulong)done * sizeof(double), piece.AsSpan(0, part.Length));
            for (var i = 0; i < part.Length; i++)
            {
                part[i] = (float)piece[i];
            }
        }
        ArrayPool<double>.Shared.Return(piece);
    }

    public static void Read(CudaContext context, Tensor source, Span<double> destination)
    {
        Expect.That(destination.Length == source.Shape.Elements, nameof(destination), destination.Length, source.Shape);
        var address = Owned.AnyAddress(source, context);
        if (source.DType == DType.F64)
        {
            Download(context, address, destination);
            return;
        }
        var piece = ArrayPool<float>.Shared.Rent(Math.Min(Piece, destination.Length));
        for (var done = 0; done < destination.Length; done += Piece)
        {
            var part = destination.Slice(done, Math.Min(Piece, destination.Length - done));
            Download(context, address + (ulong)done * sizeof(float), piece.AsSpan(0, part.Length));
            for (var i = 0; i < part.Length; i++)
            {
                part[i] = piece[i];
            }
        }
        ArrayPool<float>.Shared.Return(piece);
    }

    private static void Upload<T>(CudaContext context, ReadOnlySpan<T> source, ulong address) where T : unmanaged
    {
        fixed (T* from = source)
        {
            context.Upload(from, address, (long)source.Length * sizeof(T));
        }
    }

    private static void Download<T>(CudaContext context, ulong address, Span<T> destination) where T : unmanaged
    {
        fixed (T* to = destination)
        {
            context.Download(address, to, (long)destination.Length * sizeof(T));
        }
    }
}
