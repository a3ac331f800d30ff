using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>What can be wrong with a device: one clear line, and the process and later calls go on.</summary>
[Collection(nameof(Alone))]
public sealed class CudaErrorTests : IDisposable
{
    private readonly List<(string What, long Usual)> _changed = [];

    public void Dispose() => _changed.ForEach(c => CudaHost.Pretend(c.What, c.Usual));

    [Fact]
    public void NoDriver()
    {
        var error = Assert.Throws<IccDeviceException>(() => new CudaBackend(0, "libno-such-driver.so.9"));
        Assert.Contains("libno-such-driver.so.9", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [SkippableFact]
    public void NoDevice()
    {
        Pretend("devices", 0, 1);
        Assert.Contains("CUDA_ERROR_NO_DEVICE", Error<IccDeviceException>(() => Open()), StringComparison.Ordinal);
        Pretend("devices", 1, 1);
        Works();
    }

    [SkippableFact]
    public void NoSuchDevice()
    {
        var message = Error<IccDeviceException>(() => new CudaBackend(7, CudaHost.Library));
        Assert.Contains("cuda:7", message, StringComparison.Ordinal);
        Assert.Contains("cuda:0", message, StringComparison.Ordinal);
        Error<IccDeviceException>(() => new CudaBackend(-1, CudaHost.Library));
        Works();
    }

    [SkippableFact]
    public void TooOldADevice()
    {
        Pretend("capability", 75, 90);
        var message = Error<IccDeviceException>(() => Open());
        Assert.Contains("7.5", message, StringComparison.Ordinal);
        Assert.Contains("8.0", message, StringComparison.Ordinal);
        Assert.False(CudaDevice.List(CudaHost.Library)[0].IsSupported);
        Pretend("capability", 80, 90); // runs the kernels of the older target
        Works();
    }

    /// <summary>Shared memory of all kernels and targets of PTX suit every device.</summary>
    [SkippableTheory]
    [InlineData(80)]
    [InlineData(86)]
    [InlineData(87)]
    [InlineData(89)]
    [InlineData(90)]
    [InlineData(100)]
    [InlineData(103)]
    [InlineData(110)]
    [InlineData(120)]
    [InlineData(121)]
    public void EveryDeviceLoadsTheKernels(int capability)
    {
        Pretend("capability", capability, 90);
        foreach (var compute in new[] { DType.F32, DType.BF16 })
        {
            using var backend = new CudaBackend(0, CudaHost.Library, compute);
            Assert.Equal(capability == 90, backend.MatrixProducts.Contains(MatrixProduct.Wgmma));
            Works(backend);
        }
    }

    [SkippableFact]
    public void TooOldADriver()
    {
        Pretend("ptx", 65, 85);
        Assert.Matches("CUDA_ERROR_UNSUPPORTED_PTX_VERSION.*CUDA 12.4, expected .* 11.8 or later", Error<IccDeviceException>(() => Open()));
        Pretend("ptx", 85, 85);
        Works();
    }

    [SkippableFact]
    public void ADeviceThatAnotherProcessHas()
    {
        Pretend("busy", 1, 0);
        var message = Error<IccDeviceException>(() => Open());
        Assert.Matches("opening a context failed: CUDA_ERROR_DEVICE_UNAVAILABLE; nvidia-smi .* compute on cpu$", message);
        Pretend("busy", 0, 0);
        Works();
    }

    [SkippableFact]
    public void ADriverWithoutACompiler()
    {
        Pretend("compiler", 0, 1);
        Assert.Matches("CUDA_ERROR_JIT_COMPILER_NOT_FOUND.*libnvidia-ptxjitcompiler.*cpu$", Error<IccDeviceException>(() => Open()));
        Pretend("compiler", 1, 1);
        Works();
    }

    [SkippableFact]
    public void WhatTheCompilerSays()
    {
        var context = new CudaContext(0, CudaHost.Library);
        var message = Error<IccDeviceException>(() => context.LoadModule("nonsense", "nonsense\0"u8));
        context.Release();
        Assert.Contains("nonsense (CUDA_ERROR_INVALID_PTX: ptxas application ptx input, line 1; fatal", message, StringComparison.Ordinal);
        Works();
    }

    /// <summary>Kernels for one chip that are wrong, not accepted, or for another chip are not used; what they would have done is right.</summary>
    [SkippableTheory]
    [InlineData("wrong-wgmma", 1, 0, "wgmma gives wrong products here")]
    [InlineData("ptx", 79, 85, "wgmma is not used: cuda:0")]
    [InlineData("capability", 100, 90, null)]
    public void WarpgroupsThatCannotBeUsed(string what, long value, long usual, string? says)
    {
        Pretend(what, value, usual);
        using var backend = Open();
        Assert.DoesNotContain("wgmma", backend.Description, StringComparison.Ordinal);
        Assert.Equal([MatrixProduct.MmaSync], backend.MatrixProducts);
        Assert.Contains(says ?? "compute capability 10.0", backend.Description, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', backend.Description);
        Works(backend);
    }

    /// <summary>A library of matrix products that is older than the device, or wrong, is not used.</summary>
    [SkippableTheory]
    [InlineData(8)]
    [InlineData(-1)]
    public void CublasThatDoesNotMultiply(int status)
    {
        Pretend("cublas", status, 0);
        using var backend = new CudaBackend(0, CudaHost.Library, DType.BF16);
        Assert.DoesNotContain(MatrixProduct.Cublas, backend.MatrixProducts);
        var problem = new CudaLinearTests.Problem(DType.BF16, 40, 24, 40);
        using var twin = new ReferenceBackend<double>();
        Data.AssertClose(problem.Rounded().Run(twin), problem.Run(backend), Tolerances.Linear, "own kernels");
        Pretend("cublas", 0, 0);
        using var other = new CudaBackend(0, CudaHost.Library, DType.BF16);
        Assert.Contains(MatrixProduct.Cublas, other.MatrixProducts);
    }

    /// <summary>Likewise those of attention.</summary>
    [SkippableTheory]
    [InlineData("wrong-wgmma", 1, 0, "attention by wgmma is wrong here")]
    [InlineData("ptx", 79, 85, "attention by wgmma is not used: cuda:0")]
    [InlineData("capability", 100, 90, null)]
    public void WarpgroupsThatCannotBeUsedInAttention(string what, long value, long usual, string? says)
    {
        Pretend(what, value, usual);
        using var backend = new CudaBackend(0, CudaHost.Library, DType.BF16);
        using var twin = new ReferenceBackend<double>();
        var scenario = new Scenario { Heads = 67, KvHeads = 67, HeadDim = 8, Rows = [40], RoundsCache = true, RoundsQueries = true };
        Data.AssertClose(scenario.Run(twin).Outputs[0], scenario.Run(backend).Outputs[0], Tolerances.RoundedAttention, what);
        Assert.Contains(says ?? "compute capability 10.0", backend.Description, StringComparison.Ordinal);
        Assert.Equal(says is null, !backend.Description.Contains("wgmma", StringComparison.Ordinal));
        Assert.DoesNotContain('\n', backend.Description);
    }

    [SkippableFact]
    public void MemoryThatRunsOut()
    {
        Pretend("memory", 3L << 30, 16L << 30); // what other tests left undisposed counts
        using var backend = Open();
        var message = Error<IccMemoryException>(() => backend.Allocate(new Shape(1 << 20, 1 << 10)));
        Assert.Matches("4,294,967,296 bytes.*; [0-9,]+ of 3,221,225,472 are free: .*cpu", message);
        Pretend("memory", 1, 16L << 30);
        Error<IccMemoryException>(() => backend.LoadWeight(Data.Weight(DType.F32, 1, 1, 16, 16)));
        Assert.Contains("for a context", Error<IccMemoryException>(() => Open()), StringComparison.Ordinal);
        Pretend("memory", 16L << 30, 16L << 30);
        Works(backend);
    }

    [SkippableFact]
    public void MemoryThatRunsOutInTheMiddleOfACall()
    {
        using var backend = Open();
        using var cache = backend.CreateKvCache(new KvShape(1, 2, 16, 16, 4));
        var tap = new AttentionTap([new(0, 30), new(30, 60)], [], true, backend.Allocate(new Shape(8, 2, 2)), default, default);
        var query = backend.Allocate(new Shape(60, 8, 16));
        Pretend("memory", 1, 16L << 30);
        void Run() => backend.Attention(new AttentionCall
        {
            Query = query,
            Cache = cache,
            Layer = 0,
            Sequences = new[] { new SequenceRows(0, 60, 0, new[] { 0, 1, 2, 3 }, tap) },
            Mask = new(true, null),
            Scale = 1,
        });
        Error<IccMemoryException>(Run);
        Pretend("memory", 16L << 30, 16L << 30);
        Run();
        Works(backend);
    }

    [SkippableFact]
    public void KernelsThatDoNotRun()
    {
        using var backend = Open();
        var x = backend.Allocate(new Shape(3));
        Pretend("failing", 1, 0);
        backend.SiluMultiply(x, x, x);
        var message = Error<IccDeviceException>(() => Data.Read(backend, x)); // it is launched before the copy
        Assert.Contains("silu_multiply", message, StringComparison.Ordinal);
        Pretend("failing", 0, 0);
        Works(backend);
    }

    [SkippableFact]
    public void HeadsThatNoKernelHas()
    {
        using var backend = Open();
        Assert.Contains("257", Error<IccUnsupportedException>(() => backend.CreateKvCache(new KvShape(1, 1, 257, 16, 1))), StringComparison.Ordinal);
        Works(backend);
    }

    [SkippableFact]
    public void BackendsThatAreGone()
    {
        var backend = Open();
        var x = backend.Allocate(new Shape(3));
        backend.Dispose();
        backend.Dispose();
        Assert.Throws<ObjectDisposedException>(() => backend.Clear(x));
        using var other = Open();
        Assert.Throws<ArgumentException>(() => other.Clear(x));
        x.Buffer.Dispose();
        x.Buffer.Dispose();
        Works(other);
    }

    private static CudaBackend Open() => new(0, CudaHost.Library);

    private static string Error<T>(Action action) where T : IccException
    {
        var error = Assert.Throws<T>(action);
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private static string Error<T>(Func<object> action) where T : IccException => Error<T>(() => { _ = action(); });

    private static void Works()
    {
        using var backend = Open();
        Works(backend);
    }

    private static void Works(IBackend backend)
    {
        var x = Data.Tensor(backend, [1, 2, 3], new Shape(3));
        backend.SiluMultiply(x, x, x);
        Assert.Equal(1 / (1 + Math.Exp(-1)), Data.Read(backend, x)[0], 6);
    }

    private void Pretend(string what, long value, long usual)
    {
        _changed.Add((what, usual));
        CudaHost.Pretend(what, value);
    }
}
