using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>The objects of a backend, checked to be its own.</summary>
internal static class Owned
{
    /// <summary>Address on the device of the first element of a tensor of activations, which are float32.</summary>
    /// <exception cref="ArgumentException">The tensor is of another backend or type, or nothing.</exception>
    /// <exception cref="ObjectDisposedException">Its memory was given back.</exception>
    public static ulong Address(Tensor x, CudaContext context) => x.Buffer is not CudaBuffer { DType: DType.F64 }
        ? AnyAddress(x, context)
        : throw new ArgumentException($"a tensor {x.Shape} of {x.DType}; expected F32");

    /// <summary>Address on the device of the first element of a tensor, whichever of its types it has.</summary>
    /// <exception cref="ArgumentException">The tensor is of another backend, or nothing.</exception>
    /// <exception cref="ObjectDisposedException">Its memory was given back.</exception>
    public static ulong AnyAddress(Tensor x, CudaContext context) =>
        x.Buffer is CudaBuffer buffer && buffer.Context == context
            ? buffer.Address + (ulong)buffer.DType.Bytes(x.Offset)
            : throw new ArgumentException($"a tensor {x.Shape} of {(x.IsEmpty ? "nothing" : x.DType)}; expected one of this CUDA backend");

    /// <summary>A weight [out, in].</summary>
    public static CudaWeight Matrix(Weight weight, CudaContext context, string name)
    {
        Expect.That(weight.Shape.Rank == 2, name, weight.Shape, "two dimensions");
        return Own(weight, context, name);
    }

    /// <summary>A weight [n], which is float32 on the device.</summary>
    public static CudaWeight Vector(Weight weight, CudaContext context, string name)
    {
        Expect.That(weight.Shape.Rank == 1, name, weight.Shape, "one dimension");
        return Own(weight, context, name);
    }

    /// <summary>A cache that has the layer.</summary>
    public static CudaKvCache Cache(KvCache cache, int layer, CudaContext context)
    {
        if (cache is not CudaKvCache own || own.Context != context)
        {
            throw new ArgumentException($"cache is a {cache.GetType().Name}; expected one that this backend made", nameof(cache));
        }
        Expect.That(layer >= 0 && layer < cache.Shape.Layers, nameof(layer), layer, cache.Shape);
        return own;
    }

    private static CudaWeight Own(Weight weight, CudaContext context, string name) => weight is CudaWeight own && own.Context == context
        ? own
        : throw new ArgumentException($"{name} is a {weight.GetType().Name}; expected a weight that this backend loaded", name);
}
