using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// NVIDIA's library of matrix products, where this machine has it. Names and numbers are those of cublas_api.h and library_types.h.
/// </summary>
internal sealed unsafe class Cublas : IDisposable
{
    private const int Success = 0;
    private static readonly string[] _names = OperatingSystem.IsWindows()
        ? ["cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll"]
        : ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];

    private readonly CudaContext _context;
    private readonly delegate* unmanaged<nint, int> _destroy;
    private readonly delegate* unmanaged<nint, int, int, int, int, int, float*, ulong, int, int, ulong, int, int, float*, ulong, int, int, int, int, int> _gemm;
    private nint _handle;

    private Cublas(CudaContext context, nint library)
    {
        _context = context;
        var create = (delegate* unmanaged<nint*, int>)NativeLibrary.GetExport(library, "cublasCreate_v2");
        var setStream = (delegate* unmanaged<nint, nint, int>)NativeLibrary.GetExport(library, "cublasSetStream_v2");
        _destroy = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "cublasDestroy_v2");
        _gemm = (delegate* unmanaged<nint, int, int, int, int, int, float*, ulong, int, int, ulong, int, int, float*, ulong, int, int, int, int, int>)
            NativeLibrary.GetExport(library, "cublasGemmEx");
        nint handle;
        Check(create(&handle), "does not start");
        _handle = handle;
        Check(setStream(handle, context.Stream), "does not take a stream");
    }

    /// <summary>Opens it on the context's stream; null where it is missing, does not start or does not multiply on this device.</summary>
    /// <param name="context">The device.</param>
    /// <param name="path">Path of a library that stands for it; null: the system's.</param>
    /// <exception cref="IccMemoryException">There is not enough memory to try it.</exception>
    public static Cublas? TryOpen(CudaContext context, string? path)
    {
        context.Wait(); // what fails from here on is the library's failure
        foreach (var name in path is null ? _names : [path])
        {
            Cublas? opened = null;
            try
            {
                if (NativeLibrary.TryLoad(name, out var library))
                {
                    opened = new Cublas(context, library);
                    if (CublasCheck.IsRight(context, opened))
                    {
                        return opened;
                    }
                }
            }
            catch (Exception e) when (e is IccDeviceException or EntryPointNotFoundException)
            {
                // Another one may do; without any, the own kernels multiply.
            }
            opened?.Dispose();
        }
        return null;
    }

    /// <summary>y = scale * (x weight^T), or the same added to y, of one pair of terms and without a bias.</summary>
    /// <exception cref="IccDeviceException">It does not compute it.</exception>
    public void Multiply(in TiledLinear linear)
    {
        const int notTransposed = 0;
        const int transposed = 1;
        const int float32 = 0;
        const int bfloat16 = 14;
        const int computeFloat32 = 68;
        const int anyAlgorithm = -1;
        var (alpha, beta) = (linear.Scale, linear.Accumulate != 0 ? 1f : 0f);
        _context.Flush(); // it puts its work on the stream itself
        // It counts by columns, for which our rows are columns: y^T [outputs, rows] = weight [outputs, inputs] x^T [inputs, rows].
        var result = _gemm(
            _handle, transposed, notTransposed, linear.Outputs, linear.Rows, linear.Inputs, &alpha, linear.Weight, bfloat16, linear.Inputs,
            linear.X, bfloat16, linear.Inputs, &beta, linear.Y, float32, linear.Stride, computeFloat32, anyAlgorithm);
        if (result != Success)
        {
            throw Failure(result, $"does not multiply [{linear.Rows}, {linear.Inputs}] x [{linear.Outputs}, {linear.Inputs}]");
        }
    }

    public void Dispose()
    {
        if (_handle == 0)
        {
            return;
        }
        if (_context.TryEnter())
        {
            _destroy(_handle);
        }
        _handle = 0;
    }

    private void Check(int result, string what)
    {
        if (result != Success)
        {
            throw Failure(result, what);
        }
    }

    private IccDeviceException Failure(int result, string what) => new($"{_context.Device}: cuBLAS {what}: status {result}");
}
