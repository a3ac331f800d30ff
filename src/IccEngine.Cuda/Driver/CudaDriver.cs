using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// The entry points of the CUDA driver that the backend calls, of one library: the system's driver, or one that stands for it. Names and
/// arguments are those of the driver API; "_v2" is the current form of a function, as in cuda.h.
/// </summary>
internal sealed unsafe class CudaDriver
{
    public const int Success = 0;
    public const int OutOfMemory = 2;
    public const int JitCompilerNotFound = 221;
    public const int JitCompilationDisabled = 223;

    /// <summary>
    /// Results after which nothing works any more in the context: the device is gone or broken, or a kernel did what leaves no way on
    /// ("CUresult" in the documents of the driver API).
    /// </summary>
    private static readonly HashSet<int> _fatal =
        [4 /* shut down */, 46 /* device unavailable */, 214 /* ECC */, 220 /* NVLink */, 226 /* ECC, contained */, 700, 702, 709, 710,
        714, 715, 716, 717, 718, 719, 721 /* kernels and contexts that broke */, 810 /* ended by MPS */, 911 /* another device */,
        999 /* unknown */];

    private static readonly Dictionary<string, CudaDriver> _loaded = [];

    private readonly delegate* unmanaged<uint, int> _init;
    private readonly delegate* unmanaged<int, byte**, int> _getErrorName;

    private CudaDriver(string path)
    {
        if (!NativeLibrary.TryLoad(path, out var library))
        {
            throw new IccDeviceException(
                $"no CUDA device can be used: the driver's library {path} was not found; install the NVIDIA driver, or compute on cpu");
        }
        nint Export(string name) => NativeLibrary.TryGetExport(library, name, out var address)
            ? address
            : throw new IccDeviceException($"{path}: the driver has no {name}; expected a driver for CUDA 11.8 or later");

        _init = (delegate* unmanaged<uint, int>)Export("cuInit");
        _getErrorName = (delegate* unmanaged<int, byte**, int>)Export("cuGetErrorName");
        DeviceGetCount = (delegate* unmanaged<int*, int>)Export("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<int*, int, int>)Export("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, int, int>)Export("cuDeviceGetName");
        DeviceTotalMem = (delegate* unmanaged<nuint*, int, int>)Export("cuDeviceTotalMem_v2");
        DeviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)Export("cuDeviceGetAttribute");
        PrimaryCtxRetain = (delegate* unmanaged<nint*, int, int>)Export("cuDevicePrimaryCtxRetain");
        PrimaryCtxRelease = (delegate* unmanaged<int, int>)Export("cuDevicePrimaryCtxRelease_v2");
        CtxSetCurrent = (delegate* unmanaged<nint, int>)Export("cuCtxSetCurrent");
        MemGetInfo = (delegate* unmanaged<nuint*, nuint*, int>)Export("cuMemGetInfo_v2");
        MemcpyHtoD = (delegate* unmanaged<ulong, void*, nuint, nint, int>)Export("cuMemcpyHtoDAsync_v2");
        MemcpyDtoH = (delegate* unmanaged<void*, ulong, nuint, nint, int>)Export("cuMemcpyDtoHAsync_v2");
        MemsetD32 = (delegate* unmanaged<ulong, uint, nuint, nint, int>)Export("cuMemsetD32Async");
        ModuleLoad = (delegate* unmanaged<nint*, byte*, uint, int*, void**, int>)Export("cuModuleLoadDataEx");
        ModuleUnload = (delegate* unmanaged<nint, int>)Export("cuModuleUnload");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Export("cuModuleGetFunction");
        FuncSetAttribute = (delegate* unmanaged<nint, int, int, int>)Export("cuFuncSetAttribute");
        StreamCreate = (delegate* unmanaged<nint*, uint, int>)Export("cuStreamCreate");
        StreamSynchronize = (delegate* unmanaged<nint, int>)Export("cuStreamSynchronize");
        StreamDestroy = (delegate* unmanaged<nint, int>)Export("cuStreamDestroy_v2");
        LaunchKernel = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Export("cuLaunchKernel");
        PrimaryCtxReset = (delegate* unmanaged<int, int>)Export("cuDevicePrimaryCtxReset_v2");
        DriverGetVersion = (delegate* unmanaged<int*, int>)Export("cuDriverGetVersion");
        MemAlloc = (delegate* unmanaged<ulong*, nuint, nint, int>)Export("cuMemAllocAsync");
        MemFree = (delegate* unmanaged<ulong, nint, int>)Export("cuMemFreeAsync");
        DeviceGetDefaultMemPool = (delegate* unmanaged<nint*, int, int>)Export("cuDeviceGetDefaultMemPool");
        MemPoolSetAttribute = (delegate* unmanaged<nint, int, void*, int>)Export("cuMemPoolSetAttribute");
        MemPoolTrimTo = (delegate* unmanaged<nint, nuint, int>)Export("cuMemPoolTrimTo");
        MemcpyDtoD = (delegate* unmanaged<ulong, ulong, nuint, nint, int>)Export("cuMemcpyDtoDAsync_v2");
        MemHostAlloc = (delegate* unmanaged<void**, nuint, uint, int>)Export("cuMemHostAlloc");
        MemFreeHost = (delegate* unmanaged<void*, int>)Export("cuMemFreeHost");
        MemAddressReserve = (delegate* unmanaged<ulong*, nuint, nuint, ulong, ulong, int>)Export("cuMemAddressReserve");
        MemAddressFree = (delegate* unmanaged<ulong, nuint, int>)Export("cuMemAddressFree");
        MemGetAllocationGranularity = (delegate* unmanaged<nuint*, MemoryProperties*, int, int>)Export("cuMemGetAllocationGranularity");
        MemCreate = (delegate* unmanaged<ulong*, nuint, MemoryProperties*, ulong, int>)Export("cuMemCreate");
        MemRelease = (delegate* unmanaged<ulong, int>)Export("cuMemRelease");
        MemMap = (delegate* unmanaged<ulong, nuint, nuint, ulong, ulong, int>)Export("cuMemMap");
        MemUnmap = (delegate* unmanaged<ulong, nuint, int>)Export("cuMemUnmap");
        MemSetAccess = (delegate* unmanaged<ulong, nuint, MemoryAccess*, nuint, int>)Export("cuMemSetAccess");
        EventCreate = (delegate* unmanaged<nint*, uint, int>)Export("cuEventCreate");
        EventRecord = (delegate* unmanaged<nint, nint, int>)Export("cuEventRecord");
        EventQuery = (delegate* unmanaged<nint, int>)Export("cuEventQuery");
        EventSynchronize = (delegate* unmanaged<nint, int>)Export("cuEventSynchronize");
        EventDestroy = (delegate* unmanaged<nint, int>)Export("cuEventDestroy_v2");
        GraphCreate = (delegate* unmanaged<nint*, uint, int>)Export("cuGraphCreate");
        GraphAddKernelNode = (delegate* unmanaged<nint*, nint, nint*, nuint, KernelNode*, int>)Export("cuGraphAddKernelNode");
        GraphInstantiate = (delegate* unmanaged<nint*, nint, ulong, int>)Export("cuGraphInstantiateWithFlags");
        GraphExecKernelNodeSetParams = (delegate* unmanaged<nint, nint, KernelNode*, int>)Export("cuGraphExecKernelNodeSetParams");
        GraphLaunch = (delegate* unmanaged<nint, nint, int>)Export("cuGraphLaunch");
        GraphExecDestroy = (delegate* unmanaged<nint, int>)Export("cuGraphExecDestroy");
        GraphDestroy = (delegate* unmanaged<nint, int>)Export("cuGraphDestroy");
    }

    public readonly delegate* unmanaged<int*, int> DeviceGetCount;
    public readonly delegate* unmanaged<int*, int, int> DeviceGet;
    public readonly delegate* unmanaged<byte*, int, int, int> DeviceGetName;
    public readonly delegate* unmanaged<nuint*, int, int> DeviceTotalMem;
    public readonly delegate* unmanaged<int*, int, int, int> DeviceGetAttribute;
    public readonly delegate* unmanaged<nint*, int, int> PrimaryCtxRetain;
    public readonly delegate* unmanaged<int, int> PrimaryCtxRelease;
    public readonly delegate* unmanaged<nint, int> CtxSetCurrent;
    public readonly delegate* unmanaged<nuint*, nuint*, int> MemGetInfo;
    public readonly delegate* unmanaged<ulong, void*, nuint, nint, int> MemcpyHtoD;
    public readonly delegate* unmanaged<void*, ulong, nuint, nint, int> MemcpyDtoH;
    public readonly delegate* unmanaged<ulong, uint, nuint, nint, int> MemsetD32;
    public readonly delegate* unmanaged<nint*, byte*, uint, int*, void**, int> ModuleLoad;
    public readonly delegate* unmanaged<nint, int> ModuleUnload;
    public readonly delegate* unmanaged<nint*, nint, byte*, int> ModuleGetFunction;
    public readonly delegate* unmanaged<nint, int, int, int> FuncSetAttribute;
    public readonly delegate* unmanaged<nint*, uint, int> StreamCreate;
    public readonly delegate* unmanaged<nint, int> StreamSynchronize;
    public readonly delegate* unmanaged<nint, int> StreamDestroy;
    public readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> LaunchKernel;
    public readonly delegate* unmanaged<int, int> PrimaryCtxReset;
    public readonly delegate* unmanaged<int*, int> DriverGetVersion;
    public readonly delegate* unmanaged<ulong*, nuint, nint, int> MemAlloc;
    public readonly delegate* unmanaged<ulong, nint, int> MemFree;
    public readonly delegate* unmanaged<nint*, int, int> DeviceGetDefaultMemPool;
    public readonly delegate* unmanaged<nint, int, void*, int> MemPoolSetAttribute;
    public readonly delegate* unmanaged<nint, nuint, int> MemPoolTrimTo;
    public readonly delegate* unmanaged<ulong, ulong, nuint, nint, int> MemcpyDtoD;
    public readonly delegate* unmanaged<void**, nuint, uint, int> MemHostAlloc;
    public readonly delegate* unmanaged<void*, int> MemFreeHost;
    public readonly delegate* unmanaged<ulong*, nuint, nuint, ulong, ulong, int> MemAddressReserve;
    public readonly delegate* unmanaged<ulong, nuint, int> MemAddressFree;
    public readonly delegate* unmanaged<nuint*, MemoryProperties*, int, int> MemGetAllocationGranularity;
    public readonly delegate* unmanaged<ulong*, nuint, MemoryProperties*, ulong, int> MemCreate;
    public readonly delegate* unmanaged<ulong, int> MemRelease;
    public readonly delegate* unmanaged<ulong, nuint, nuint, ulong, ulong, int> MemMap;
    public readonly delegate* unmanaged<ulong, nuint, int> MemUnmap;
    public readonly delegate* unmanaged<ulong, nuint, MemoryAccess*, nuint, int> MemSetAccess;
    public readonly delegate* unmanaged<nint*, uint, int> EventCreate;
    public readonly delegate* unmanaged<nint, nint, int> EventRecord;
    public readonly delegate* unmanaged<nint, int> EventQuery;
    public readonly delegate* unmanaged<nint, int> EventSynchronize;
    public readonly delegate* unmanaged<nint, int> EventDestroy;
    public readonly delegate* unmanaged<nint*, uint, int> GraphCreate;
    public readonly delegate* unmanaged<nint*, nint, nint*, nuint, KernelNode*, int> GraphAddKernelNode;
    public readonly delegate* unmanaged<nint*, nint, ulong, int> GraphInstantiate;
    public readonly delegate* unmanaged<nint, nint, KernelNode*, int> GraphExecKernelNodeSetParams;
    public readonly delegate* unmanaged<nint, nint, int> GraphLaunch;
    public readonly delegate* unmanaged<nint, int> GraphExecDestroy;
    public readonly delegate* unmanaged<nint, int> GraphDestroy;

    /// <summary>The driver of a library, initialized.</summary>
    /// <param name="path">Path of the library; null: the system's driver.</param>
    /// <exception cref="IccDeviceException">There is no such library, or the driver finds no device.</exception>
    public static CudaDriver Load(string? path)
    {
        path ??= OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        lock (_loaded)
        {
            if (!_loaded.TryGetValue(path, out var driver))
            {
                driver = new CudaDriver(path);
                _loaded.Add(path, driver);
            }
            var result = driver._init(0);
            return result == Success
                ? driver
                : throw new IccDeviceException($"no CUDA device can be used: the driver does not start ({driver.Name(result)}); compute on cpu");
        }
    }

    /// <summary>Whether a context is of no use after this result.</summary>
    public static bool IsFatal(int result) => _fatal.Contains(result);

    /// <summary>The driver's name of a result.</summary>
    public string Name(int result)
    {
        byte* name;
        return _getErrorName(result, &name) == Success ? Marshal.PtrToStringUTF8((nint)name)! : $"CUDA error {result}";
    }
}
