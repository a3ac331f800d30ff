using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// A device in use: its context and one stream, on which everything happens in the order of the calls. It lives until the backend and
/// every buffer have let go of it.
/// </summary>
internal sealed unsafe class CudaContext
{
    private readonly CudaDriver _driver;
    private readonly int _device;
    private readonly nint _context;
    private readonly nint _stream;
    private readonly List<nint> _modules = [];
    private int _holders = 1;

    /// <summary>Opens a device.</summary>
    /// <exception cref="IccDeviceException">There is no such device, it is too old, or it cannot be opened.</exception>
    public CudaContext(int index, string? driverLibrary)
    {
        var devices = CudaDevice.List(driverLibrary);
        if (index < 0 || index >= devices.Count)
        {
            throw new IccDeviceException($"cuda:{index}: no such device; this machine has {string.Join(", ", devices)}");
        }
        Device = devices[index];
        if (!Device.IsSupported)
        {
            throw new IccDeviceException($"{Device}: too old; expected compute capability {CudaDevice.OldestCapability} or later");
        }
        _driver = CudaDriver.Load(driverLibrary);
        int device;
        int multiprocessors;
        nint context, stream;
        Check(_driver.DeviceGet(&device, index), "opening the device");
        Check(_driver.DeviceGetAttribute(&multiprocessors, 16 /* CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT */, device), "asking the device");
        Multiprocessors = multiprocessors;
        Check(_driver.PrimaryCtxRetain(&context, device), "opening a context");
        (_device, _context) = (device, context);
        try
        {
            MakeCurrent();
            Check(_driver.StreamCreate(&stream, 1 /* does not wait for the default stream */), "making a stream");
        }
        catch
        {
            _driver.PrimaryCtxRelease(device);
            throw;
        }
        _stream = stream;
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>Its multiprocessors.</summary>
    public int Multiprocessors { get; }

    /// <summary>The stream of everything that happens.</summary>
    public nint Stream => _stream;

    /// <summary>Makes this thread's calls go to the context.</summary>
    public void MakeCurrent() => Check(_driver.CtxSetCurrent(_context), "entering the context");

    /// <summary>One holder more.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less; the last one closes the context.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) > 0)
        {
            return;
        }
        // Nothing can be done about a failure here, and the device may be gone already.
        _driver.CtxSetCurrent(_context);
        _modules.ForEach(m => _driver.ModuleUnload(m));
        _driver.StreamDestroy(_stream);
        _driver.PrimaryCtxRelease(_device);
    }

    /// <summary>Device memory of at least one byte, with any content.</summary>
    /// <exception cref="IccMemoryException">There is not enough of it.</exception>
    public ulong Allocate(long bytes)
    {
        MakeCurrent();
        ulong address;
        var result = _driver.MemAlloc(&address, (nuint)Math.Max(1, bytes));
        if (result == CudaDriver.OutOfMemory)
        {
            nuint free, all;
            var known = _driver.MemGetInfo(&free, &all) == CudaDriver.Success;
            throw new IccMemoryException(
                $"{Device}: {bytes:N0} bytes of memory are needed in one piece" + (known ? $"; {free:N0} of {all:N0} are free" : ""));
        }
        Check(result, $"taking {bytes:N0} bytes of memory");
        Hold();
        return address;
    }

    /// <summary>Gives memory back; the device finishes what uses it first.</summary>
    public void Free(ulong address)
    {
        // As in Release: the memory of a context that broke is gone anyway.
        _driver.CtxSetCurrent(_context);
        _driver.MemFree(address);
        Release();
    }

    /// <summary>Copies to the device; the source may change once this returns.</summary>
    public void Upload(void* source, ulong destination, long bytes)
    {
        if (bytes > 0)
        {
            Check(_driver.MemcpyHtoD(destination, source, (nuint)bytes, _stream), $"copying {bytes:N0} bytes to the device");
        }
    }

    /// <summary>Copies to the host, once all before it is done.</summary>
    public void Download(ulong source, void* destination, long bytes)
    {
        if (bytes > 0)
        {
            Check(_driver.MemcpyDtoH(destination, source, (nuint)bytes, _stream), $"copying {bytes:N0} bytes to the host");
            Check(_driver.StreamSynchronize(_stream), "computing");
        }
    }

    /// <summary>Sets bytes, a multiple of 4, to zero.</summary>
    public void Clear(ulong address, long bytes)
    {
        if (bytes > 0)
        {
            Check(_driver.MemsetD32(address, 0, (nuint)(bytes / sizeof(int)), _stream), "clearing memory");
        }
    }

    /// <summary>Loads a module of kernels.</summary>
    /// <exception cref="IccDeviceException">The driver does not accept it.</exception>
    public nint LoadModule(string name, ReadOnlySpan<byte> ptx)
    {
        nint module;
        fixed (byte* image = ptx)
        {
            var result = _driver.ModuleLoad(&module, image, 0, null, null);
            if (result != CudaDriver.Success)
            {
                throw new IccDeviceException(
                    $"{Device}: the driver does not accept the kernels of {name} ({_driver.Name(result)}); expected a driver for CUDA 11.8 or later");
            }
        }
        _modules.Add(module);
        return module;
    }

    /// <summary>A kernel of a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="name">Its name, with a zero at the end.</param>
    /// <param name="sharedBytes">Shared memory that each launch gives it (DYNAMIC_SHARED of kernels/device/tensor_cores.h).</param>
    public nint Function(nint module, ReadOnlySpan<byte> name, int sharedBytes = 0)
    {
        nint function;
        fixed (byte* text = name)
        {
            Check(_driver.ModuleGetFunction(&function, module, text), "looking up a kernel");
        }
        if (sharedBytes > 0)
        {
            const int maxDynamicSharedSizeBytes = 8;
            Check(_driver.FuncSetAttribute(function, maxDynamicSharedSizeBytes, sharedBytes), $"taking {sharedBytes:N0} bytes of shared memory");
        }
        return function;
    }

    /// <summary>Puts a kernel on the stream; nothing where the grid is empty.</summary>
    public void Launch(in Kernel kernel, long x, long y, long z, int threads, void** parameters)
    {
        if (x == 0 || y == 0 || z == 0)
        {
            return;
        }
        var result = _driver.LaunchKernel(
            kernel.Function, checked((uint)x), checked((uint)y), checked((uint)z), (uint)threads, 1, 1, (uint)kernel.SharedBytes, _stream, parameters, null);
        if (result != CudaDriver.Success)
        {
            throw new IccDeviceException($"{Device}: the kernel {kernel.Name} [{x}, {y}, {z}] does not run: {_driver.Name(result)}");
        }
    }

    private void Check(int result, string what)
    {
        if (result != CudaDriver.Success)
        {
            throw new IccDeviceException($"{Device}: {what} failed: {_driver.Name(result)}");
        }
    }
}
