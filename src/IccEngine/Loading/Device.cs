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

    /// <summary>What <see cref="Open"/> takes, for people.</summary>
    public static string Choices => $"{string.Join(", ", Names)}, cuda:N, or auto";

    /// <summary>Makes the backend of a device.</summary>
    /// <param name="name">
    /// cpu: SIMD, several threads; reference: the naive twin, one thread, for comparison; cuda:N: the N-th NVIDIA device, from 0; auto:
    /// cuda:0 where it can be used, else cpu.
    /// </param>
    /// <param name="threads">Threads of the cpu; 0: one for every core.</param>
    /// <exception cref="IccArgumentException">There is no device of that name, or the number of threads is out of range.</exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    public static IBackend Open(string name, int threads = 0)
    {
        if (threads is < 0 or > 1024)
        {
            throw new IccArgumentException($"{threads} threads; expected from 1 to 1024, or 0 for one a core");
        }
        return name switch
        {
            "cpu" => new CpuBackend(threads),
            "reference" => new ReferenceBackend<float>(),
            "auto" => OpenBest(threads),
            _ when name.StartsWith(CudaPrefix, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index) => new CudaBackend(index),
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

    private static IBackend OpenBest(int threads)
    {
        try
        {
            return new CudaBackend();
        }
        catch (IccException e) when (e is IccDeviceException or IccMemoryException)
        {
            return new CpuBackend(threads);
        }
    }
}
