using System.Globalization;
using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Cuda;

namespace IccEngine;

/// <summary>Where a model computes.</summary>
public static class Device
{
    private const string CudaPrefix = "cuda:";

    /// <summary>Names of the devices that every machine has: cpu, reference.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cpu", "reference"];

    /// <summary>Types that models can be computed in: float32, and bfloat16 on NVIDIA devices.</summary>
    public static IReadOnlyList<string> DTypes { get; } = ["float32", "bfloat16"];

    /// <summary>What <see cref="Open"/> takes, for people.</summary>
    public static string Choices => $"{string.Join(", ", Names)}, cuda:N, or auto";

    /// <summary>Makes the backend of a device.</summary>
    /// <param name="name">
    /// cpu: SIMD, several threads; reference: the naive twin, one thread, for comparison; cuda:N: the N-th NVIDIA device, from 0; auto:
    /// cuda:0 where it can be used, else cpu.
    /// </param>
    /// <param name="threads">Threads of the cpu; 0: one for every core.</param>
    /// <param name="dtype">
    /// One of <see cref="DTypes"/>. bfloat16: both sides of the matrix products of prompts are rounded to it, for speed; auto is then
    /// cuda:0.
    /// </param>
    /// <exception cref="IccArgumentException">
    /// There is no device or type of that name, the device does not compute in the type, or the number of threads is out of range.
    /// </exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    public static IBackend Open(string name, int threads = 0, string dtype = "float32")
    {
        if (!DTypes.Contains(dtype))
        {
            throw new IccArgumentException($"dtype '{dtype}'; expected {string.Join(" or ", DTypes)}");
        }
        if (threads is < 0 or > 1024)
        {
            throw new IccArgumentException($"{threads} threads; expected from 1 to 1024, or 0 for one a core");
        }
        var compute = dtype == DTypes[0] ? DType.F32 : DType.BF16;
        if (compute != DType.F32 && Names.Contains(name))
        {
            throw new IccArgumentException($"device {name} computes in {DTypes[0]}; expected {CudaPrefix}N for {dtype}");
        }
        return name switch
        {
            "cpu" => new CpuBackend(threads),
            "reference" => new ReferenceBackend<float>(),
            "auto" => OpenBest(threads, compute),
            _ when name.StartsWith(CudaPrefix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) => new CudaBackend(index, compute: compute),
            _ => throw new IccArgumentException($"device '{name}'; expected {Choices}"),
        };
    }

    /// <summary>The devices of this machine, a line each: its name, and what it is or why it cannot be used.</summary>
    /// <param name="driverLibrary">Path of the NVIDIA driver's library; null: the system's.</param>
    public static IReadOnlyList<(string Name, string Description)> List(string? driverLibrary = null)
    {
        using var cpu = new CpuBackend();
        var list = new List<(string, string)> { (Names[0], cpu.Description), (Names[1], "the naive twin, for comparison") };
        try
        {
            list.AddRange(CudaDevice.List(driverLibrary).Select(d => ($"{CudaPrefix}{d.Index}", Describe(d, driverLibrary))));
        }
        catch (IccDeviceException e)
        {
            list.Add((CudaPrefix + "N", e.Message));
        }
        return list;
    }

    private static string Describe(CudaDevice device, string? driverLibrary)
    {
        const double gib = 1 << 30;
        var free = device.FreeMemory(driverLibrary);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Name}, compute capability {device.Capability}, {device.Multiprocessors} multiprocessors, driver for CUDA {device.DriverVersion}, ")
            + (free is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{free / gib:0.0} of "))
            + string.Create(CultureInfo.InvariantCulture, $"{device.MemoryBytes / gib:0.0} GiB{(free is null ? "" : " free")}")
            + (device.Missing is { } missing ? $"; cannot be used: {missing}" : "");
    }

    private static IBackend OpenBest(int threads, DType compute)
    {
        try
        {
            return new CudaBackend(compute: compute);
        }
        catch (IccException e) when (compute == DType.F32 && e is (IccDeviceException or IccMemoryException))
        {
            return new CpuBackend(threads);
        }
    }
}
