using IccEngine.Core;
using IccEngine.Cpu;

namespace IccEngine;

/// <summary>Where a model computes.</summary>
public static class Device
{
    /// <summary>Names of the devices: cpu, reference.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cpu", "reference"];

    /// <summary>Makes the backend of a device.</summary>
    /// <param name="name">cpu: SIMD, several threads; reference: the naive twin, one thread, for comparison.</param>
    /// <param name="threads">Threads of the cpu; 0: one for every core.</param>
    /// <exception cref="IccArgumentException">There is no device of that name, or the number of threads is out of range.</exception>
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
            _ => throw new IccArgumentException($"device '{name}'; expected one of {string.Join(", ", Names)}"),
        };
    }
}
