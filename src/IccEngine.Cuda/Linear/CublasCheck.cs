using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// Whether a library multiplies at all on the device: one that is older than the device starts, and fails with the first product. All
/// numbers are small and whole, so the result has the same bits in every order.
/// </summary>
internal static class CublasCheck
{
    private const int Rows = 20;
    private const int Inputs = 24;
    private const int Outputs = 12;
    private const int Stride = Outputs + 3;

    /// <summary>Multiplies and compares.</summary>
    /// <exception cref="IccDeviceException">The library or the device fails.</exception>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static bool IsRight(CudaContext context, Cublas library)
    {
        var (x, weight) = (Whole(Rows, 7), Whole(Outputs, 5));
        var expected = new float[Rows * Stride];
        using var left = SmallCopies.UploadBFloat16(context, x);
        using var right = SmallCopies.UploadBFloat16(context, weight);
        Array.Fill(expected, 1);
        using var sums = SmallCopies.Upload(context, expected);
        for (var row = 0; row < Rows; row++)
        {
            for (var output = 0; output < Outputs; output++)
            {
                for (var i = 0; i < Inputs; i++)
                {
                    expected[row * Stride + output] += 2 * x[row * Inputs + i] * weight[output * Inputs + i];
                }
            }
        }
        library.Multiply(new TiledLinear
        {
            X = left.Address,
            Weight = right.Address,
            Y = sums.Address,
            Rows = Rows,
            Inputs = Inputs,
            Outputs = Outputs,
            Stride = Stride,
            Pairs = 1,
            Scale = 2,
            Accumulate = 1,
        });
        return SmallCopies.Download(context, sums).AsSpan().SequenceEqual(expected);
    }

    private static float[] Whole(int rows, int period) => [.. Enumerable.Range(0, rows * Inputs).Select(i => (float)(i % period - period / 2))];
}
