using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>The operations on affinities, for matrices of float32 and float64. Used by one thread at a time; arguments are checked before.</summary>
internal sealed unsafe class CudaAffinity(CudaContext context, Kernels kernels) : IDisposable
{
    private const int Threads = 256;
    private const int Warps = Threads / 32; // rows of a block where a warp has one
    private readonly IntegerTable _integers = new(context);
    private readonly Scratch _labels = new(context, DType.I32);
    private readonly Scratch _parts = new(context, DType.F64);

    public void Add(Tensor pooled, ReadOnlySpan<int> order, Tensor sums, AffinityForm form)
    {
        var (s, n) = (order.Length, sums.Shape[0]);
        var (from, places, to) = (Address(pooled), _integers.Put(order), Address(sums));
        var (whole, absolute, roots) = (Flag(form.WholeRows), Flag(form.Absolute), Flag(form.PowerMean));
        var kernel = pooled.DType == sums.DType ? kernels.AddAffinity.For(sums.DType) : kernels.AddWideAffinity;
        var behind = 0;
        var parameters = stackalloc void*[] { &from, &places, &s, &to, &n, &whole, &behind, &absolute, &roots };
        for (; behind <= whole; behind++)
        {
            context.Launch(kernel, Blocks(s, Warps), 1, 1, Threads, parameters);
        }
    }

    public void Mean(Tensor sums, AffinityForm form)
    {
        var (a, n, power) = (Address(sums), sums.Shape[0], Flag(form.PowerMean));
        var parameters = stackalloc void*[] { &a, &n, &power };
        context.Launch(kernels.MeanAffinity.For(sums.DType), n, 1, 1, Threads, parameters);
    }

    public void NeighbourLabels(Tensor affinity, ReadOnlySpan<int> labels, Span<int> others)
    {
        var n = labels.Length;
        var (a, own, found) = (Address(affinity), _integers.Put(labels), _labels.Take(n));
        var parameters = stackalloc void*[] { &a, &n, &own, &found };
        context.Launch(kernels.NeighbourLabels.For(affinity.DType), Blocks(n, Warps), 1, 1, Threads, parameters);
        fixed (int* to = others)
        {
            context.Download(found, to, (long)n * sizeof(int));
        }
    }

    public void Normalise(Tensor affinity, Tensor rootDegrees)
    {
        var (a, n, roots) = (Address(affinity), affinity.Shape[0], Address(rootDegrees));
        var parameters = stackalloc void*[] { &a, &n, &roots };
        context.Launch(kernels.NormaliseAffinity.For(affinity.DType), n, 1, 1, Threads, parameters);
    }

    public void Product(Tensor a, Tensor x, Tensor y) => RowDots(a.DType, Address(a), a.Shape[0], a.Shape[0], Address(x), Address(y));

    public double Orthonormalise(Tensor basis, Tensor w, Span<double> parts)
    {
        var (count, n, type) = (basis.Shape[0], basis.Shape[1], basis.DType);
        var (rows, left) = (Address(basis), Address(w));
        // The parts of the first pass and the square of the norm, which are read; the parts of the second.
        var room = _parts.Take(2L * count + 1);
        var squares = room + (ulong)type.Bytes(count);
        Subtract(type, rows, count, n, room, left);
        Subtract(type, rows, count, n, squares + (ulong)type.Bytes(1), left);
        RowDots(type, left, 1, n, left, squares);
        var parameters = stackalloc void*[] { &left, &n, &squares };
        context.Launch(kernels.DivideByNorm.For(type), Blocks(n, Threads), 1, 1, Threads, parameters);
        return Math.Sqrt(Download(type, room, parts));
    }

    public void Dispose()
    {
        _integers.Dispose();
        _labels.Dispose();
        _parts.Dispose();
    }

    private static int Flag(bool value) => value ? 1 : 0;

    private static long Blocks(long elements, int each) => (elements + each - 1) / each;

    /// <summary>The parts; what follows them is returned.</summary>
    private double Download(DType type, ulong address, Span<double> parts)
    {
        if (type == DType.F32)
        {
            var singles = new float[parts.Length + 1];
            fixed (float* to = singles)
            {
                context.Download(address, to, (long)singles.Length * sizeof(float));
            }
            for (var i = 0; i < parts.Length; i++)
            {
                parts[i] = singles[i];
            }
            return singles[^1];
        }
        var doubles = new double[parts.Length + 1];
        fixed (double* to = doubles)
        {
            context.Download(address, to, (long)doubles.Length * sizeof(double));
        }
        doubles.AsSpan(..^1).CopyTo(parts);
        return doubles[^1];
    }

    private void Subtract(DType type, ulong rows, int count, int n, ulong parts, ulong left)
    {
        RowDots(type, rows, count, n, left, parts);
        var parameters = stackalloc void*[] { &rows, &count, &n, &parts, &left };
        context.Launch(kernels.SubtractRows.For(type), Blocks(n, Threads), 1, 1, Threads, parameters);
    }

    private void RowDots(DType type, ulong matrix, int count, int n, ulong x, ulong y)
    {
        var parameters = stackalloc void*[] { &matrix, &count, &n, &x, &y };
        context.Launch(kernels.RowDots.For(type), Blocks(count, Warps), 1, 1, Threads, parameters);
    }

    private ulong Address(Tensor x) => Owned.AnyAddress(x, context);
}
