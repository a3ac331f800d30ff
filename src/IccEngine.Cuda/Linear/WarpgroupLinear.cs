using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The kernels of linear_wgmma.cu, for devices of compute capability 9.0. When they are first asked for, their products are compared with
/// those of linear_mma.cu; where they differ, or the driver does not take them, there are none.
/// </summary>
internal sealed class WarpgroupLinear(CudaContext context, Kernels kernels)
{
    // Odd sizes: a tile of rows that is not full, two of outputs. The inputs of all pairs are six pieces, more than there are stages.
    private const int Rows = 70;
    private const int Outputs = 136;
    private static readonly Version _capability = new(9, 0);
    private (TileKernel[] Exact, TileKernel[] Rounded)? _kernels;

    /// <summary>Why there are none on a device that should have them; null where all is well, or nobody asked yet.</summary>
    public string? Failure { get; private set; }

    /// <summary>The kernels, the widest tiles first.</summary>
    /// <param name="exact">For many pairs of terms, or for one.</param>
    public TileKernel[] Kernels(bool exact)
    {
        _kernels ??= LoadChecked();
        return exact ? _kernels.Value.Exact : _kernels.Value.Rounded;
    }

    private (TileKernel[] Exact, TileKernel[] Rounded) LoadChecked()
    {
        if (context.Device.Capability != _capability)
        {
            return ([], []);
        }
        context.Wait(); // what fails from here on is these kernels' failure
        try
        {
            var loaded = kernels.LoadWarpgroup();
            if (AreRight(loaded.Exact, kernels.LinearExact.Small, TermPairs.Exact(DType.BF16))
                && AreRight(loaded.Rounded, kernels.LinearRounded.Small, TermPairs.Rounded))
            {
                return loaded;
            }
            Failure = "wgmma gives wrong products here and is not used";
        }
        catch (IccDeviceException e)
        {
            Failure = $"wgmma is not used: {e.Message}";
        }
        return ([], []);
    }

    // All numbers are small and whole, and so are their sums: whatever the order, the bits are the same.
    private bool AreRight(TileKernel[] suspects, TileKernel known, TermPairs pairs)
    {
        var inputs = pairs.Pairs.Length == 1 ? 328 : 72;
        using var x = Whole(pairs.XTerms * Rows * inputs, 17);
        using var weight = Whole(pairs.WeightTerms * Outputs * inputs, 13);
        using var y = new CudaBuffer(context, DType.F32, Rows * Outputs);
        var linear = new TiledLinear
        {
            X = x.Address,
            Weight = weight.Address,
            Y = y.Address,
            Rows = Rows,
            Inputs = inputs,
            Outputs = Outputs,
            Stride = Outputs,
            Pairs = pairs.Pairs.Length,
            Order = pairs.Order,
            Scale = 1,
        };
        var expected = Run(known, linear, y);
        return suspects.All(s => Run(s, linear, y).AsSpan().SequenceEqual(expected));
    }

    private CudaBuffer Whole(int count, int period) =>
        SmallCopies.UploadBFloat16(context, [.. Enumerable.Range(0, count).Select(i => (float)(i % period - period / 2))]);

    private float[] Run(TileKernel kernel, TiledLinear linear, CudaBuffer y)
    {
        context.Clear(y.Address, Rows * Outputs * sizeof(float));
        kernel.Launch(context, linear, splits: 1);
        return SmallCopies.Download(context, y);
    }
}
