using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>A CUDA device of this machine.</summary>
/// <param name="Index">Its number: N of cuda:N.</param>
/// <param name="Name">What the driver calls it.</param>
/// <param name="MemoryBytes">All of its memory.</param>
/// <param name="Capability">Compute capability.</param>
public sealed unsafe record CudaDevice(int Index, string Name, long MemoryBytes, Version Capability)
{
    private const int CapabilityMajor = 75;
    private const int CapabilityMinor = 76;

    /// <summary>Oldest compute capability that the kernels run on.</summary>
    public static Version OldestCapability { get; } = new(8, 0);

    /// <summary>Whether the kernels run on it.</summary>
    public bool IsSupported => Capability >= OldestCapability;

    /// <summary>The devices of this machine.</summary>
    /// <param name="driverLibrary">Path of the driver's library; null: the system's.</param>
    /// <exception cref="IccDeviceException">There is no driver, or it finds no device.</exception>
    public static IReadOnlyList<CudaDevice> List(string? driverLibrary = null)
    {
        var driver = CudaDriver.Load(driverLibrary);
        int count;
        Check(driver, driver.DeviceGetCount(&count), "counting the devices");
        return [.. Enumerable.Range(0, count).Select(i => Describe(driver, i))];
    }

    /// <inheritdoc/>
    public override string ToString() => $"cuda:{Index} ({Name}, compute capability {Capability})";

    private static CudaDevice Describe(CudaDriver driver, int index)
    {
        const int length = 256;
        var name = stackalloc byte[length];
        int device, major, minor;
        nuint bytes;
        Check(driver, driver.DeviceGet(&device, index), $"opening cuda:{index}");
        Check(driver, driver.DeviceGetName(name, length, device), $"naming cuda:{index}");
        Check(driver, driver.DeviceTotalMem(&bytes, device), $"measuring cuda:{index}");
        Check(driver, driver.DeviceGetAttribute(&major, CapabilityMajor, device), $"asking cuda:{index}");
        Check(driver, driver.DeviceGetAttribute(&minor, CapabilityMinor, device), $"asking cuda:{index}");
        return new CudaDevice(index, Marshal.PtrToStringUTF8((nint)name)!, (long)bytes, new Version(major, minor));
    }

    private static void Check(CudaDriver driver, int result, string what)
    {
        if (result != CudaDriver.Success)
        {
            throw new IccDeviceException($"{what} failed: {driver.Name(result)}");
        }
    }
}
