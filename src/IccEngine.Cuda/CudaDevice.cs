using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>A CUDA device of this machine.</summary>
/// <param name="Index">Its number: N of cuda:N.</param>
/// <param name="Name">What the driver calls it.</param>
/// <param name="MemoryBytes">All of its memory.</param>
/// <param name="Capability">Compute capability.</param>
/// <param name="Multiprocessors">Multiprocessors, each of which runs some blocks of a kernel at a time.</param>
/// <param name="DriverVersion">Newest CUDA that the driver knows.</param>
/// <param name="Missing">What it lacks and what to do, or null where the kernels run on it.</param>
public sealed unsafe record CudaDevice(
    int Index, string Name, long MemoryBytes, Version Capability, int Multiprocessors, Version DriverVersion, string? Missing)
{
    // CU_DEVICE_ATTRIBUTE_...
    private const int MultiprocessorCount = 16;
    private const int CapabilityMajor = 75;
    private const int CapabilityMinor = 76;
    private const int VirtualMemoryManagement = 102;
    private const int MemoryPools = 115;

    /// <summary>Oldest compute capability that the kernels run on.</summary>
    public static Version OldestCapability { get; } = new(8, 0);

    /// <summary>Whether the kernels run on it.</summary>
    public bool IsSupported => Missing is null;

    /// <summary>Oldest CUDA that the driver must know: that of the kernels' PTX.</summary>
    public static Version OldestDriver { get; } = new(11, 8);

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

    /// <summary>Bytes of its memory that nobody has, or null where the driver does not tell. It opens the device for that.</summary>
    /// <param name="driverLibrary">Path of the driver's library; null: the system's.</param>
    public long? FreeMemory(string? driverLibrary = null)
    {
        var driver = CudaDriver.Load(driverLibrary);
        int device;
        nint context;
        if (driver.DeviceGet(&device, Index) != CudaDriver.Success || driver.PrimaryCtxRetain(&context, device) != CudaDriver.Success)
        {
            return null;
        }
        nuint free = 0;
        nuint all;
        var known = driver.CtxSetCurrent(context) == CudaDriver.Success && driver.MemGetInfo(&free, &all) == CudaDriver.Success;
        driver.CtxSetCurrent(0);
        driver.PrimaryCtxRelease(device);
        return known ? (long)free : null;
    }

    private static CudaDevice Describe(CudaDriver driver, int index)
    {
        const int length = 256;
        var name = stackalloc byte[length];
        int device, version;
        nuint bytes;
        Check(driver, driver.DeviceGet(&device, index), $"opening cuda:{index}");
        Check(driver, driver.DeviceGetName(name, length, device), $"naming cuda:{index}");
        Check(driver, driver.DeviceTotalMem(&bytes, device), $"measuring cuda:{index}");
        Check(driver, driver.DriverGetVersion(&version), "asking for the driver's version");
        var capability = new Version(Attribute(driver, device, CapabilityMajor), Attribute(driver, device, CapabilityMinor));
        var known = new Version(version / 1000, version % 1000 / 10);
        var missing = capability < OldestCapability
            ? $"too old; expected compute capability {OldestCapability} or later: compute on cpu"
            : known < OldestDriver ? $"the driver is for CUDA {known}; expected {OldestDriver} or later: update the NVIDIA driver"
            : Attribute(driver, device, MemoryPools) == 0 || Attribute(driver, device, VirtualMemoryManagement) == 0
                ? "the driver gives no memory pools or no virtual memory of this device (a shared virtual GPU?): use the whole device, or compute on cpu"
            : null;
        return new CudaDevice(index, Marshal.PtrToStringUTF8((nint)name)!, (long)bytes, capability, Attribute(driver, device, MultiprocessorCount), known, missing);
    }

    private static int Attribute(CudaDriver driver, int device, int attribute)
    {
        int value;
        Check(driver, driver.DeviceGetAttribute(&value, attribute, device), "asking a device");
        return value;
    }

    private static void Check(CudaDriver driver, int result, string what)
    {
        if (result != CudaDriver.Success)
        {
            throw new IccDeviceException($"{what} failed: {driver.Name(result)}");
        }
    }
}
