using System.Diagnostics;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// What a device can do at most, measured: the share of these limits is what says whether a kernel is good, on any device.
/// <para>
/// Peak: independent chains of mma.sync on bfloat16 in registers, 2 floating-point operations a product and sum. (wgmma, of compute
/// capability 9.0, does more: the data sheet of an H200 says 989 TFLOP/s.) Bandwidth: memory far larger than the caches copied on the
/// device, bytes read and written by seconds.
/// </para>
/// </summary>
/// <param name="Peak">Operations a second of each round.</param>
/// <param name="Bandwidth">Bytes a second of each round.</param>
public sealed unsafe record CudaLimits(IReadOnlyList<double> Peak, IReadOnlyList<double> Bandwidth)
{
    private const int Threads = 256;
    private const int BlocksEach = 8; // of a multiprocessor
    private const double FlopsOfStep = 8 * 2 * 16 * 16 * 8;

    /// <summary>Measures a device that nobody else uses meanwhile.</summary>
    /// <param name="backend">The device.</param>
    /// <param name="rounds">Rounds of each figure, at least 1.</param>
    /// <param name="bytes">Size of the memory that is copied; twice as much is taken.</param>
    /// <param name="steps">Steps of a round of the peak.</param>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    /// <exception cref="IccDeviceException">The device fails.</exception>
    public static CudaLimits Measure(CudaBackend backend, int rounds = 5, long bytes = 2L << 30, int steps = 1 << 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        return backend.Use((context, kernels) => new CudaLimits(
            MeasurePeak(context, kernels.Peak, rounds, steps), MeasureBandwidth(context, rounds, bytes)));
    }

    private static double[] MeasurePeak(CudaContext context, Kernel kernel, int rounds, int steps)
    {
        var blocks = BlocksEach * context.Multiprocessors;
        using var sums = new CudaBuffer(context, DType.F32, blocks * Threads / 32L);
        var address = sums.Address;
        return Rounds(context, rounds, (double)blocks * (Threads / 32) * steps * FlopsOfStep, () =>
        {
            var parameters = stackalloc void*[2];
            var (target, count) = (address, steps);
            parameters[0] = &target;
            parameters[1] = &count;
            context.Launch(kernel, blocks, 1, 1, Threads, parameters);
        });
    }

    private static double[] MeasureBandwidth(CudaContext context, int rounds, long bytes)
    {
        const int copies = 4;
        using var from = new CudaBuffer(context, DType.F32, bytes / sizeof(float));
        using var to = new CudaBuffer(context, DType.F32, bytes / sizeof(float));
        context.Clear(from.Address, bytes / sizeof(float) * sizeof(float));
        return Rounds(context, rounds, 2.0 * copies * bytes, () =>
        {
            for (var i = 0; i < copies; i++)
            {
                context.Check(context.Driver.MemcpyDtoD(to.Address, from.Address, (nuint)bytes, context.Stream), "copying on the device");
            }
        });
    }

    private static double[] Rounds(CudaContext context, int rounds, double amount, Action round)
    {
        var values = new double[rounds];
        for (var i = -1; i < rounds; i++) // the first is not counted: it wakes the device
        {
            context.Wait();
            var watch = Stopwatch.StartNew();
            round();
            context.Wait();
            if (i >= 0)
            {
                values[i] = amount / watch.Elapsed.TotalSeconds;
            }
        }
        return values;
    }
}
