using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The own kernels of tensor cores: which of them multiplies, and among how many blocks the inputs of a tile are split where tiles alone
/// would leave the device idle. What splits have summed up is added in their order by linear_sum.cu.
/// </summary>
/// <param name="context">The device.</param>
/// <param name="kernels">Its kernels.</param>
/// <param name="exact">Whether they are given many pairs of terms, or one.</param>
internal sealed unsafe class TensorCoreLinear(CudaContext context, Kernels kernels, bool exact) : IDisposable
{
    private const int LeastInputs = 256; // of a split: its sums are written and read again, so it should have more to read before
    private const int SumThreads = 256;
    private readonly WarpgroupLinear _warpgroup = new(context, kernels);
    private readonly TileKernel _small = (exact ? kernels.LinearExact : kernels.LinearRounded).Small;
    private readonly TileKernel[] _large = [(exact ? kernels.LinearExact : kernels.LinearRounded).Large];
    private TileKernel[]? _wide; // those of compute capability 9.0, then the large one
    private readonly Scratch _parts = new(context, DType.F32);

    /// <summary>The kernels of compute capability 9.0, the widest tiles first; loaded when they are first asked for.</summary>
    public TileKernel[] Warpgroup => _warpgroup.Kernels(exact);

    /// <summary>What went wrong with a kernel that is no longer used; null where nothing did.</summary>
    public string? Failure => _warpgroup.Failure;

    /// <summary>Puts a product on the stream.</summary>
    /// <param name="linear">What is multiplied.</param>
    /// <param name="product">Which kernel is to do it.</param>
    /// <exception cref="IccMemoryException">There is not enough memory for the sums of all splits.</exception>
    public void Multiply(in TiledLinear linear, MatrixProduct product)
    {
        var (kernel, splits) = Choose(linear, product);
        if (splits == 1)
        {
            kernel.Launch(context, linear, splits);
            return;
        }
        var (rows, outputs, stride) = (linear.Rows, linear.Outputs, linear.Stride);
        var (bias, y, scale, accumulate) = (linear.Bias, linear.Y, linear.Scale, linear.Accumulate);
        var parts = _parts.Take((long)splits * rows * outputs);
        kernel.Launch(context, linear with { Bias = 0, Y = parts, Stride = outputs, Scale = 1, Accumulate = 0 }, splits);
        var parameters = stackalloc void*[] { &parts, &bias, &y, &splits, &rows, &outputs, &stride, &scale, &accumulate };
        context.Launch(kernels.LinearSum, (outputs + SumThreads - 1) / SumThreads, rows, 1, SumThreads, parameters);
    }

    public void Dispose() => _parts.Dispose();

    // The widest tiles that keep three quarters of the device busy; else the widest that do so with their inputs split. Rows that half of
    // a wide tile would hold take small ones.
    private (TileKernel Kernel, int Splits) Choose(in TiledLinear linear, MatrixProduct product)
    {
        if (linear.Rows > _small.Rows || product == MatrixProduct.Wgmma)
        {
            var wide = Wide(product);
            foreach (var kernel in wide)
            {
                if (Fills(kernel, linear, splits: 1))
                {
                    return (kernel, 1);
                }
            }
            foreach (var kernel in wide)
            {
                var splits = Splits(kernel, linear);
                if (Fills(kernel, linear, splits))
                {
                    return (kernel, splits);
                }
            }
        }
        var last = product == MatrixProduct.Wgmma ? Warpgroup[^1] : _small;
        return (last, Splits(last, linear));
    }

    private TileKernel[] Wide(MatrixProduct product) => product switch
    {
        MatrixProduct.MmaSync => _large,
        MatrixProduct.Wgmma => Warpgroup,
        _ => _wide ??= [.. Warpgroup, .. _large],
    };

    private bool Fills(in TileKernel kernel, in TiledLinear linear, int splits) =>
        4 * splits * kernel.Tiles(linear.Rows, linear.Outputs) >= 3 * context.Multiprocessors;

    // As many as can be at work at the same time.
    private int Splits(in TileKernel kernel, in TiledLinear linear)
    {
        var blocks = (long)kernel.BlocksEach * context.Multiprocessors;
        return (int)Math.Clamp(blocks / kernel.Tiles(linear.Rows, linear.Outputs), 1, Math.Max(1, linear.Inputs / LeastInputs));
    }
}
