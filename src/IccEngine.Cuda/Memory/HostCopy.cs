using System.Buffers;
using System.Numerics;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Copies between tensors and memory of the caller, converted on the host where the types differ.</summary>
internal static unsafe class HostCopy
{
    /// <summary>Elements that are converted at once.</summary>
    private const int Piece = 1 << 20;

    public static void Write<T>(CudaContext context, ReadOnlySpan<T> source, Tensor destination) where T : unmanaged, INumberBase<T>
    {
        Expect.That(source.Length == destination.Shape.Elements, nameof(source), source.Length, destination.Shape);
        var address = Owned.AnyAddress(destination, context);
        if (destination.DType == DType.F64)
        {
            Write<T, double>(context, source, address);
        }
        else
        {
            Write<T, float>(context, source, address);
        }
    }

    public static void Read<T>(CudaContext context, Tensor source, Span<T> destination) where T : unmanaged, INumberBase<T>
    {
        Expect.That(destination.Length == source.Shape.Elements, nameof(destination), destination.Length, source.Shape);
        var address = Owned.AnyAddress(source, context);
        if (source.DType == DType.F64)
        {
            Read<T, double>(context, address, destination);
        }
        else
        {
            Read<T, float>(context, address, destination);
        }
    }

    private static void Write<T, TDevice>(CudaContext context, ReadOnlySpan<T> source, ulong address)
        where T : unmanaged, INumberBase<T>
        where TDevice : unmanaged, INumberBase<TDevice>
    {
        if (typeof(T) == typeof(TDevice))
        {
            Upload(context, source, address);
            return;
        }
        var piece = ArrayPool<TDevice>.Shared.Rent(Math.Min(Piece, source.Length));
        for (var done = 0; done < source.Length; done += Piece)
        {
            var part = source.Slice(done, Math.Min(Piece, source.Length - done));
            for (var i = 0; i < part.Length; i++)
            {
                piece[i] = TDevice.CreateTruncating(part[i]);
            }
            Upload<TDevice>(context, piece.AsSpan(0, part.Length), address + (ulong)done * (ulong)sizeof(TDevice));
        }
        ArrayPool<TDevice>.Shared.Return(piece);
    }

    private static void Read<T, TDevice>(CudaContext context, ulong address, Span<T> destination)
        where T : unmanaged, INumberBase<T>
        where TDevice : unmanaged, INumberBase<TDevice>
    {
        if (typeof(T) == typeof(TDevice))
        {
            Download(context, address, destination);
            return;
        }
        var piece = ArrayPool<TDevice>.Shared.Rent(Math.Min(Piece, destination.Length));
        for (var done = 0; done < destination.Length; done += Piece)
        {
            var part = destination.Slice(done, Math.Min(Piece, destination.Length - done));
            Download(context, address + (ulong)done * (ulong)sizeof(TDevice), piece.AsSpan(0, part.Length));
            for (var i = 0; i < part.Length; i++)
            {
                part[i] = T.CreateTruncating(piece[i]);
            }
        }
        ArrayPool<TDevice>.Shared.Return(piece);
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
