using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Cuda;
using Xunit;

namespace IccEngine.Testing;

/// <summary>The backends that a test runs on, by name.</summary>
public static class TestBackends
{
    /// <summary>The CUDA backend on a device of this machine.</summary>
    public const string Cuda = "cuda";

    /// <summary>The CUDA backend whose kernels run on the processor.</summary>
    public const string CudaOnHost = "cuda-host";

    /// <summary>The same with every access of a kernel to memory checked: what is wrong fails the call with a message that says where.</summary>
    public const string CudaOnHostChecked = "cuda-host-checked";

    /// <summary>The naive twin in float32 and float64, the CPU under each instruction set, and the kernels on the processor and on a device.</summary>
    public static IReadOnlyList<string> All { get; } =
        ["reference", "reference-f64", .. Enum.GetValues<InstructionSet>().Select(s => $"cpu-{s}".ToLowerInvariant()), CudaOnHost, Cuda];

    /// <summary>Makes a backend; the test is skipped, with the reason, where this machine or process lacks what it needs.</summary>
    public static IBackend Create(string name, int threads = 2)
    {
        switch (name)
        {
            case "reference":
                return new ReferenceBackend<float>();
            case "reference-f64":
                return new ReferenceBackend<double>();
            case Cuda or CudaOnHost:
                return CreateCuda(name);
            default:
                var set = Enum.Parse<InstructionSet>(name["cpu-".Length..], ignoreCase: true);
                Skip.IfNot(CpuBackend.Supported.Contains(set), $"this process cannot run {set} instructions");
                return new CpuBackend(threads, set);
        }
    }

    /// <summary>Makes the CUDA backend on a device or on the processor; skips the test likewise.</summary>
    public static CudaBackend CreateCuda(string name, DType compute = DType.F32)
    {
        if (name is CudaOnHost or CudaOnHostChecked)
        {
            if (CudaHost.Multiprocessors is { } count)
            {
                CudaHost.Pretend("multiprocessors", count);
            }
            return new CudaBackend(0, name == CudaOnHost ? CudaHost.Library : CudaHost.CheckedLibrary, compute);
        }
        Skip.If(_noDevice.Value is not null, _noDevice.Value);
        return new CudaBackend(compute: compute);
    }

    private static readonly Lazy<string?> _noDevice = new(() =>
    {
        try
        {
            return CudaDevice.List().Any(d => d.IsSupported) ? null : "the CUDA devices of this machine are too old";
        }
        catch (IccDeviceException e)
        {
            return e.Message;
        }
    });
}
