using System.Runtime.InteropServices;
using IccEngine.Core;

namespace IccEngine.Cuda;

/// <summary>
/// A device in use: its context and one stream, on which everything happens in the order of the calls. It lives until the backend and
/// every buffer have let go of it. Launches are written down first (<see cref="LaunchQueue"/>); copies and clears send them before
/// themselves. Used by one thread at a time, but for giving memory back.
/// </summary>
internal sealed unsafe partial class CudaContext
{
    private readonly PrimaryContext _primary;
    private readonly nint _context;
    private readonly List<nint> _modules = [];
    private readonly Dictionary<nint, Dictionary<string, int[]>> _declared = []; // by module: parameters of its kernels
    private readonly Dictionary<nint, int[]> _parameters = [];                    // by function
    private readonly LaunchQueue _queue;
    private readonly Staging _staging;
    private readonly List<Action> _later = [];
    private readonly nint _pool;
    private int _waiting; // launches are written down: under the lock of _later
    private readonly byte[] _compilerLog = GC.AllocateArray<byte>(4096, pinned: true); // the driver may compile a module when it is first used
    private string? _lost;
    private int _holders = 1;

    /// <summary>Opens a device.</summary>
    /// <exception cref="IccDeviceException">There is no such device, it is too old, or it cannot be opened.</exception>
    /// <exception cref="IccMemoryException">There is no memory that copies can go through.</exception>
    public CudaContext(int index, string? driverLibrary)
    {
        var devices = CudaDevice.List(driverLibrary);
        if (index < 0 || index >= devices.Count)
        {
            throw new IccDeviceException($"cuda:{index}: no such device; this machine has {string.Join(", ", devices)}");
        }
        Device = devices[index];
        if (Device.Missing is { } missing)
        {
            throw new IccDeviceException($"{Device}: {missing}");
        }
        Driver = CudaDriver.Load(driverLibrary);
        int device;
        nint pool;
        Check(Driver.DeviceGet(&device, index), "opening the device");
        Number = device;
        Check(Driver.DeviceGetDefaultMemPool(&pool, device), "asking for the memory pool");
        _pool = pool;
        (_primary, _context, Stream) = PrimaryContext.Open(this);
        _queue = new LaunchQueue(this);
        try
        {
            var keep = ulong.MaxValue; // memory that was given back stays in the pool, so that taking some costs nothing
            Check(Driver.MemPoolSetAttribute(_pool, 4 /* CU_MEMPOOL_ATTR_RELEASE_THRESHOLD */, &keep), "asking the pool to keep memory");
            _staging = new Staging(this);
        }
        catch
        {
            _primary.Close(this, _context, Stream);
            throw;
        }
    }

    /// <summary>The device.</summary>
    public CudaDevice Device { get; }

    /// <summary>The driver.</summary>
    public CudaDriver Driver { get; }

    /// <summary>The driver's number of the device.</summary>
    public int Number { get; }

    /// <summary>
    /// The stream. Whoever puts something on it beside the methods of this class calls <see cref="Flush"/> before.
    /// </summary>
    public nint Stream { get; }

    /// <summary>The context, which the process shares.</summary>
    public PrimaryContext Primary => _primary;

    /// <summary>Its multiprocessors.</summary>
    public int Multiprocessors => Device.Multiprocessors;

    /// <summary>
    /// Changes where an operation begins and no launch is written down: what was uploaded at another value is read by no launch that is
    /// still to be sent.
    /// </summary>
    public long Round { get; private set; }

    /// <summary>An operation of the backend begins on this thread.</summary>
    /// <exception cref="IccDeviceException">The device is lost.</exception>
    public void Begin()
    {
        MakeCurrent();
        Round += _queue.Count == 0 ? 1 : 0;
    }

    /// <summary>Makes this thread's calls go to the context.</summary>
    /// <exception cref="IccDeviceException">The device is lost.</exception>
    public void MakeCurrent()
    {
        if (_lost is null && _primary.IsGone)
        {
            _lost = $"{Device}: the device was lost and opened again since; open this backend again too";
        }
        if (_lost is not null)
        {
            throw new IccDeviceException(_lost);
        }
        Check(Driver.CtxSetCurrent(_context), "entering the context");
    }

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
        if (TryEnter())
        {
            Driver.StreamSynchronize(Stream); // what is on its way uses what is given back here
            Driver.MemPoolTrimTo(_pool, 0);   // others may hold the context, and keep the pool
            _queue.Dispose();
            _staging.Dispose();
            _modules.ForEach(m => Driver.ModuleUnload(m));
        }
        _primary.Close(this, _context, Stream);
    }

    /// <summary>Forgets the launches that are written down: nobody will ask for what they compute.</summary>
    public void Drop()
    {
        _queue.Drop();
        Sent();
    }

    /// <summary>Loads a module of kernels.</summary>
    /// <exception cref="IccDeviceException">The driver does not accept it.</exception>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public nint LoadModule(string name, ReadOnlySpan<byte> ptx)
    {
        var options = stackalloc int[] { 5 /* CU_JIT_ERROR_LOG_BUFFER */, 6 /* CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES */ };
        nint module;
        fixed (byte* image = ptx, log = _compilerLog)
        {
            _compilerLog.AsSpan().Clear();
            var values = stackalloc void*[] { log, (void*)(_compilerLog.Length - 1) }; // ends with a zero, whatever the driver writes
            var result = Driver.ModuleLoad(&module, image, 2, options, values);
            if (result == CudaDriver.OutOfMemory)
            {
                CheckMemory(result, ptx.Length);
            }
            if (result != CudaDriver.Success)
            {
                throw NotAccepted(result, name, Marshal.PtrToStringUTF8((nint)log)!);
            }
        }
        _modules.Add(module);
        _declared[module] = PtxParameters.Read(ptx);
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
            Check(Driver.ModuleGetFunction(&function, module, text), "looking up a kernel");
        }
        if (sharedBytes > 0)
        {
            const int maxDynamicSharedSizeBytes = 8;
            Check(Driver.FuncSetAttribute(function, maxDynamicSharedSizeBytes, sharedBytes), $"taking {sharedBytes:N0} bytes of shared memory");
        }
        _parameters[function] = _declared[module][System.Text.Encoding.ASCII.GetString(name.TrimEnd((byte)0))];
        return function;
    }

    /// <summary>Writes a launch down, to be sent before anything that follows; nothing where the grid is empty.</summary>
    public void Launch(in Kernel kernel, long x, long y, long z, int threads, void** parameters)
    {
        if (x == 0 || y == 0 || z == 0)
        {
            return;
        }
        Volatile.Write(ref _waiting, 1);
        _queue.Add(kernel, _parameters[kernel.Function], checked((uint)x), checked((uint)y), checked((uint)z), (uint)threads, parameters);
    }

    /// <summary>Puts the launches that are written down on the stream.</summary>
    /// <exception cref="IccDeviceException">One of them does not run.</exception>
    public void Flush()
    {
        if (_queue.Count == 0)
        {
            return;
        }
        try
        {
            _queue.Send();
        }
        finally
        {
            Sent();
        }
    }

    /// <summary>Waits for the device.</summary>
    /// <exception cref="IccDeviceException">Something that was on the stream failed.</exception>
    public void Wait()
    {
        Flush();
        Check(Driver.StreamSynchronize(Stream), "computing");
        _queue.Waited();
    }

    /// <summary>Throws where a call of the driver failed.</summary>
    /// <exception cref="IccDeviceException">It did.</exception>
    public void Check(int result, string what)
    {
        if (result != CudaDriver.Success)
        {
            throw Failure(result, what);
        }
    }

    /// <summary>What a result means; where the context is of no use any more, later calls say the same at once.</summary>
    public IccDeviceException Failure(int result, string what)
    {
        var message = $"{Device}: {what} failed: {Driver.Name(result)}";
        if (CudaDriver.IsFatal(result))
        {
            message = _lost ??= message + "; the device is lost with all that was on it: open it again, or compute on cpu";
        }
        return new IccDeviceException(message);
    }

    /// <summary>As <see cref="MakeCurrent"/> for what gives something back: false where there is nothing to give back any more.</summary>
    public bool TryEnter() => _lost is null && !_primary.IsGone && Driver.CtxSetCurrent(_context) == CudaDriver.Success;

    /// <summary>Does something that must not come before the launches that are written down: at once where there are none. Any thread.</summary>
    public void Later(Action action)
    {
        lock (_later)
        {
            if (Volatile.Read(ref _waiting) != 0)
            {
                _later.Add(action);
                return;
            }
        }
        action();
    }

    private IccDeviceException NotAccepted(int result, string name, string log)
    {
        var advice = result switch
        {
            CudaDriver.JitCompilerNotFound =>
                "the driver's compiler is missing: install its library libnvidia-ptxjitcompiler (in a container: the driver's compute libraries)",
            CudaDriver.JitCompilationDisabled => "compiling is switched off: unset CUDA_DISABLE_PTX_JIT and CUDA_DISABLE_JIT",
            _ => $"it is for CUDA {Device.DriverVersion}, expected one for {CudaDevice.OldestDriver} or later: update the NVIDIA driver",
        };
        var line = log.Split('\n', 2)[0].Trim();
        return new IccDeviceException(
            $"{Device}: the driver does not accept the kernels of {name} ({Driver.Name(result)}{(line.Length > 0 ? $": {line}" : "")}); {advice}, or compute on cpu");
    }

    private void Sent()
    {
        Action[] actions;
        lock (_later)
        {
            _waiting = 0;
            actions = [.. _later];
            _later.Clear();
        }
        Array.ForEach(actions, a => a());
    }
}
