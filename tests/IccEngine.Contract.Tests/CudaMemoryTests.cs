using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>What the CUDA backend takes of a device, when, and that it gives it back; and that copies and launches keep their order.</summary>
public sealed unsafe class CudaMemoryTests
{
    private const int HalfBytes = 4 << 20; // of the memory that copies go through

    [SkippableTheory]
    [InlineData(DType.BF16, HalfBytes / 2 - 1)]
    [InlineData(DType.BF16, HalfBytes / 2)]
    [InlineData(DType.BF16, HalfBytes + 1000)]
    [InlineData(DType.F32, 5 * (HalfBytes / 4) + 3)]
    [InlineData(DType.F64, HalfBytes / 4 + 5)]
    public void AllBytesOfAWeightArrive(DType dtype, int elements)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", 1);
        var context = new CudaContext(0, machine.Driver);
        context.Begin();
        var sources = new[] { 1, 2 }.Select(seed => Bytes(dtype, seed, elements)).ToArray();
        var weights = Array.ConvertAll(sources, s => new CudaWeight(context, s, null));
        foreach (var (source, weight) in sources.Zip(weights))
        {
            if (dtype == DType.F64)
            {
                var singles = new float[elements];
                fixed (float* to = singles)
                {
                    context.Download(weight.Address, to, 4L * elements);
                }
                Assert.True(singles.AsSpan().SequenceEqual(source.ToSingles()));
                continue;
            }
            var bytes = new byte[source.ByteLength];
            fixed (byte* to = bytes)
            {
                context.Download(weight.Address, to, bytes.Length);
            }
            Assert.True(bytes.AsSpan().SequenceEqual(source.Bytes(0, bytes.Length)));
        }
        Array.ForEach(weights, w => w.Dispose());
        context.Release();
        Assert.All(machine.Taken(), left => Assert.Equal(0, left));
    }

    [SkippableFact]
    public void AWeightThatDoesNotArriveLeavesNothing()
    {
        using var machine = new PretendedMachine();
        var source = Bytes(DType.F32, 1, 3 * HalfBytes / 4 + 7); // four copies
        var failures = 0;
        for (var life = 0; failures == life; life++)
        {
            var context = new CudaContext(0, machine.Driver);
            context.Begin();
            var taken = machine.Taken();
            machine.Pretend("life", life);
            try
            {
                new CudaWeight(context, source, null).Dispose();
            }
            catch (IccDeviceException)
            {
                failures++;
            }
            machine.Pretend("life", -1);
            context.Release();
            Assert.All(machine.Taken(), left => Assert.Equal(0, left));
            Assert.True(taken[2] > 0);
        }
        Assert.InRange(failures, 5, 20);
    }

    [SkippableFact]
    public void AWeightThatIsTooLargeLeavesNothing()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        var taken = machine.Taken();
        machine.Pretend("memory", taken[0] + 1000);
        Assert.Throws<IccMemoryException>(() => backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 100, 100)));
        Assert.Equal(taken, machine.Taken());
        backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 10, 10)).Dispose();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ManySmallCopiesKeepTheirOrder(bool lazy)
    {
        const int rounds = 40;
        const int n = 1 << 16; // 256 KiB: all of them go several times through both halves
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        using var backend = machine.Open();
        var one = backend.LoadWeight(HostTensor.FromArray("one", [1f], 1, 1));
        var (x, sum) = (backend.Allocate(new Shape(n, 1)), backend.Allocate(new Shape(n, 1)));
        var values = new float[n];
        for (var round = 1; round <= rounds; round++)
        {
            Array.Fill(values, round);
            backend.Write(values, x);
            backend.Linear(x.Rows(round, 8), one, null, sum.Rows(round, 8), accumulate: true);
        }
        var expected = Enumerable.Range(0, n).Select(i => Enumerable.Range(1, rounds).Where(r => i >= r && i < r + 8).Sum(r => (double)r));
        Assert.Equal(expected, Data.Read(backend, sum));
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void TablesOfACallAreThoseOfTheCall(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        using var backend = machine.Open();
        float[] rows = [.. Enumerable.Range(0, 600).Select(i => (float)i)];
        var table = backend.LoadWeight(HostTensor.FromArray("table", rows, 300, 2));
        var y = backend.Allocate(new Shape(300, 2));
        for (var i = 0; i < 150; i++) // more than are written down at once; the table grows on the way
        {
            backend.Embed(table, Enumerable.Range(i, i < 100 ? 1 : 2).ToArray(), y.Rows(i, i < 100 ? 1 : 2));
        }
        Assert.Equal(rows[..302].Select(v => (double)v), Data.Read(backend, y)[..302]);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void MemoryThatIsGivenBackServesWhatWasAskedBefore(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        using var backend = machine.Open();
        var y = backend.Allocate(new Shape(3));
        var first = machine.Count("used");
        var x = Data.Tensor(backend, [1, 2, 3], new Shape(3));
        backend.SiluMultiply(x, x, y);
        x.Buffer.Dispose();
        using var other = Data.Tensor(backend, [7, 7, 7], new Shape(3)).Buffer; // may be given the same memory
        Assert.Equal(new[] { 1, 2, 3 }.Select(v => v * v / (1 + Math.Exp(-v))), Data.Read(backend, y), (a, b) => Math.Abs(a - b) < 1e-5);
        other.Dispose();
        backend.Read(y, new float[3]);
        Assert.Equal(first, machine.Count("used"));
    }

    [SkippableFact]
    public void ACacheTakesMemoryPageByPage()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        var shape = new KvShape(3, 2, 16, 16, 1000);
        const long page = 2 * 3 * 2 * 16 * 16 * sizeof(float); // all layers
        var tensors = Rows(backend, 2, 16);
        var before = machine.Taken();
        var cache = backend.CreateKvCache(shape);
        Assert.Equal(before[0], machine.Count("used"));
        Store(backend, cache, tensors, pages: [5]);
        backend.Read(tensors[0], new float[tensors[0].Shape.Elements]);
        var one = machine.Count("used");
        Assert.InRange(one - before[0], page, 6 * (16 << 10) + 4096); // a granule for each layer's keys and values, and the slots
        Store(backend, cache, tensors, pages: [5]);
        Assert.Equal(one, machine.Count("used"));
        for (var p = 0; p < 1000; p++)
        {
            Store(backend, cache, tensors, pages: [p]);
        }
        Assert.InRange(machine.Count("used") - before[0], 1000 * page, 1000 * page + (64 << 10));
        backend.Read(tensors[0], new float[tensors[0].Shape.Elements]);
        cache.Dispose();
        cache.Dispose();
        Assert.InRange(machine.Count("used") - before[0], 0, 4096);
        Assert.Equal(before[3], machine.Count("reserved"));
        Assert.Throws<ObjectDisposedException>(() => Store(backend, cache, tensors, pages: [1]));
    }

    [SkippableFact]
    public void APageThatDoesNotFitLeavesNothing()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        using var cache = backend.CreateKvCache(new KvShape(4, 4, 64, 64, 100)); // a page of a layer is four granules
        var tensors = Rows(backend, 4, 64);
        Store(backend, cache, tensors, pages: [7]);
        backend.Read(tensors[0], new float[tensors[0].Shape.Elements]);
        var used = machine.Count("used");
        for (var room = 0; room < 8 * (64 << 10); room += 50_000)
        {
            machine.Pretend("memory", used + room);
            var error = Assert.Throws<IccMemoryException>(() => Store(backend, cache, tensors, pages: [9]));
            Assert.Contains("65,536 bytes", error.Message, StringComparison.Ordinal);
            Assert.Equal(used, machine.Count("used"));
            Store(backend, cache, tensors, pages: [7]);
        }
        machine.Pretend("memory", used + 8 * (64 << 10));
        Store(backend, cache, tensors, pages: [9]);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ABackendLeavesNothing(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        for (var i = 0; i < 3; i++)
        {
            var backend = machine.Open();
            var cache = backend.CreateKvCache(new KvShape(2, 2, 16, 16, 10));
            var tensors = Rows(backend, 2, 16);
            Store(backend, cache, tensors, pages: [1]); // never read
            cache.Dispose();
            backend.Write(new float[tensors[0].Shape.Elements], tensors[0]); // may be on its way
            Array.ForEach(tensors, t => t.Buffer.Dispose());
            backend.Dispose();
            Assert.All(machine.Taken(), left => Assert.Equal(0, left));
            Assert.Equal(0, machine.Count("early"));
        }
    }

    private static HostTensor Bytes(DType dtype, int seed, int elements)
    {
        var bytes = new byte[dtype.Bytes(elements)];
        new Random(seed).NextBytes(bytes);
        if (dtype == DType.F64)
        {
            for (var i = 7; i < bytes.Length; i += 8)
            {
                bytes[i] = 0x3f; // no NaN
            }
        }
        return HostTensor.FromBytes("weight", dtype, bytes, 1, elements);
    }

    // Query, key, cos of one row.
    private static Tensor[] Rows(CudaBackend backend, int heads, int headDim) =>
    [
        backend.Allocate(new Shape(1, heads, headDim)), backend.Allocate(new Shape(1, heads, headDim)),
        backend.Allocate(new Shape(1, headDim / 2)),
    ];

    private static void Store(CudaBackend backend, KvCache cache, Tensor[] t, int[] pages) =>
        backend.RotateAndStore(t[0], t[1], t[1], t[2], t[2], cache, 0, [new SequenceRows(0, 1, 0, pages)]);
}
