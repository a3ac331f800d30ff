using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>Arrays to the device and back, for the checks of kernels and libraries at their first use.</summary>
internal static unsafe class SmallCopies
{
    /// <summary>A buffer with numbers in it.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static CudaBuffer Upload(CudaContext context, float[] values) => Upload(context, DType.F32, values);

    /// <summary>A buffer with numbers in it as bfloat16, what does not fit cut off.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static CudaBuffer UploadBFloat16(CudaContext context, float[] values) => Upload(context, DType.BF16, ToBFloat16(values));

    /// <summary>Numbers as bfloat16, what does not fit cut off, to an address on the device.</summary>
    public static void PutBFloat16(CudaContext context, ulong address, float[] values) => Put(context, address, ToBFloat16(values));

    /// <summary>All numbers of a buffer of float32.</summary>
    public static float[] Download(CudaContext context, CudaBuffer buffer)
    {
        var values = new float[buffer.Elements];
        fixed (float* to = values)
        {
            context.Download(buffer.Address, to, (long)values.Length * sizeof(float));
        }
        return values;
    }

    private static ushort[] ToBFloat16(float[] values) => Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16));

    private static CudaBuffer Upload<T>(CudaContext context, DType dtype, T[] values) where T : unmanaged
    {
        var buffer = new CudaBuffer(context, dtype, values.Length);
        Put(context, buffer.Address, values);
        return buffer;
    }

    private static void Put<T>(CudaContext context, ulong address, T[] values) where T : unmanaged
    {
        fixed (T* from = values)
        {
            context.Upload(from, address, (long)values.Length * sizeof(T));
        }
    }
}
