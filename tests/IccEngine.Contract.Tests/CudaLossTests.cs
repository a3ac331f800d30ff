using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>A device that disappears: one clear line, the process goes on, and the device can be opened again.</summary>
public sealed class CudaLossTests
{
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ADeviceMayBeLostAtAnyCall(bool lazy)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("lazy", lazy ? 1 : 0);
        var expected = Computed(machine);
        var failures = 0;
        for (var life = 0; failures == life; life++)
        {
            using var backend = machine.Open();
            machine.Pretend("life", life);
            try
            {
                Compute(backend);
            }
            catch (IccDeviceException error)
            {
                failures++;
                IsLost(machine, backend, error.Message);
                // While the old one is still there, and after it is gone.
                machine.Pretend("life", -1);
                Assert.Equal(expected, Computed(machine));
                backend.Dispose();
                Assert.Equal(expected, Computed(machine));
            }
            machine.Pretend("life", -1);
        }
        Assert.InRange(failures, 20, 200);
        Assert.Equal(expected, Computed(machine)); // the last loss was while the last one gave back what it had
        Assert.All(machine.Taken(), left => Assert.Equal(0, left));
    }

    /// <summary>Memory that is mapped by hand does not go with a context, and a context that is made anew is still held.</summary>
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatALostDeviceHadIsGivenBack(bool disposed)
    {
        using var machine = new PretendedMachine();
        var backend = machine.Open();
        var cache = backend.CreateKvCache(new KvShape(1, 1, 64, 64, 100));
        backend.CopyPage(cache, 0, 1); // takes them
        Assert.NotEqual(0, machine.Count("reserved"));
        machine.Pretend("life", 0);
        Assert.Throws<IccDeviceException>(() => backend.Allocate(new Shape(1)));
        machine.Pretend("life", -1);
        if (disposed)
        {
            cache.Dispose();
        }
        using (machine.Open())
        {
            Assert.Equal((0, 2), (machine.Count("reserved"), machine.Count("retained")));
        }
        cache.Dispose();
        backend.Dispose();
        Assert.All(machine.Taken(), left => Assert.Equal(0, left));
    }

    [SkippableFact]
    public void ADeviceThatIsLostMayStayAway()
    {
        using var machine = new PretendedMachine();
        using var backend = machine.Open();
        using var x = backend.Allocate(new Shape(3)).Buffer;
        machine.Pretend("life", 0);
        Assert.Throws<IccDeviceException>(() => backend.Clear(new Tensor(x, 0, new Shape(3))));
        machine.Pretend("life", -1);
        machine.Pretend("devices", 0);
        Assert.Contains("CUDA_ERROR_NO_DEVICE", Assert.Throws<IccDeviceException>(machine.Open).Message, StringComparison.Ordinal);
        machine.Pretend("devices", 1);
        Computed(machine);
    }

    [SkippableFact]
    public void WhoDidNotSeeTheLossIsToldToo()
    {
        using var machine = new PretendedMachine();
        using var one = machine.Open();
        using var other = machine.Open();
        var x = other.Allocate(new Shape(3));
        machine.Pretend("life", 0);
        Assert.Throws<IccDeviceException>(() => one.Allocate(new Shape(3)));
        machine.Pretend("life", -1);
        using var anew = machine.Open();
        Assert.Contains("lost", Assert.Throws<IccDeviceException>(() => other.Clear(x)).Message, StringComparison.Ordinal);
        x.Buffer.Dispose();
        other.Dispose();
        Assert.Equal(1, Data.Read(anew, Data.Tensor(anew, [1], new Shape(1)))[0]);
    }

    [SkippableTheory]
    [InlineData(102)]
    [InlineData(115)]
    public void ADeviceMayLackWhatIsNeeded(int attribute)
    {
        using var machine = new PretendedMachine();
        machine.Pretend("missing", attribute);
        Assert.Matches("^cuda:0 .*virtual memory.* compute on cpu$", Assert.Throws<IccDeviceException>(machine.Open).Message);
        Assert.NotNull(CudaDevice.List(machine.Driver)[0].Missing);
    }

    [SkippableFact]
    public void ADeviceIsDescribed()
    {
        using var machine = new PretendedMachine();
        var device = Assert.Single(CudaDevice.List(machine.Driver));
        Assert.Equal((new Version(9, 0), 132, new Version(12, 4), 16L << 30), (device.Capability, device.Multiprocessors, device.DriverVersion, device.MemoryBytes));
        Assert.True(device.IsSupported);
        using var backend = machine.Open();
        var free = device.FreeMemory(machine.Driver)!.Value;
        using var x = backend.Allocate(new Shape(1 << 20)).Buffer;
        Assert.Equal(free - (4 << 20), device.FreeMemory(machine.Driver));
    }

    private static void IsLost(PretendedMachine machine, CudaBackend backend, string message)
    {
        Assert.DoesNotContain('\n', message);
        Assert.Matches("^cuda:0 .* failed: CUDA_ERROR_LAUNCH_FAILED; the device is lost .*open it again", message);
        var waits = machine.Count("waits");
        foreach (var call in new Action[] { () => backend.Allocate(new Shape(1)), () => backend.CreateKvCache(new KvShape(1, 1, 2, 1, 1)) })
        {
            Assert.Equal(message, Assert.Throws<IccDeviceException>(call).Message);
        }
        Assert.Equal(waits, machine.Count("waits"));
    }

    private static double[] Computed(PretendedMachine machine)
    {
        using var backend = machine.Open();
        return Compute(backend);
    }

    /// <summary>Some of everything; the same numbers each time.</summary>
    private static double[] Compute(CudaBackend backend)
    {
        using var weight = backend.LoadWeight(Data.Weight(DType.BF16, 1, 1, 32, 16));
        using var cache = backend.CreateKvCache(new KvShape(1, 1, 16, 16, 2));
        var x = Data.Tensor(backend, Data.Uniform(32, 2), new Shape(2, 16));
        var (cos, y) = (backend.Allocate(new Shape(2, 8)), backend.Allocate(new Shape(2, 32)));
        using var buffers = new Buffers(x, cos, y);
        var heads = x.Reshape(new Shape(2, 1, 16));
        var sequences = new[] { new SequenceRows(0, 2, 0, new[] { 1 }) };
        backend.RotateAndStore(heads, heads, heads, cos, cos, cache, 0, sequences);
        backend.Attention(new AttentionCall { Query = heads, Cache = cache, Layer = 0, Sequences = sequences, Mask = new(true, null), Scale = 1, Output = heads });
        for (var i = 0; i < 10; i++)
        {
            backend.Linear(x, weight, null, y, accumulate: true);
        }
        var best = new int[2];
        backend.Sample(y, default, SamplingOptions.Greedy, [], best, []);
        return [.. Data.Read(backend, y), .. best.Select(b => (double)b)];
    }

    private sealed class Buffers(params Tensor[] tensors) : IDisposable
    {
        public void Dispose() => Array.ForEach(tensors, t => t.Buffer.Dispose());
    }
}
