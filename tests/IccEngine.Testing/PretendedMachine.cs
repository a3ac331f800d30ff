using System.Runtime.InteropServices;
using IccEngine.Cuda;

namespace IccEngine.Testing;

/// <summary>
/// A machine with a GPU of its own that a test may break: a copy of the host library, of which nobody else in this process knows. The
/// test is skipped, with the reason, where there is no C++ compiler.
/// </summary>
public sealed class PretendedMachine : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("icc-machine-").FullName;

    /// <summary>Makes one, with one device of 16 GiB.</summary>
    public PretendedMachine()
    {
        Driver = Path.Combine(_folder, "libicc-cuda-host.so");
        File.Copy(CudaHost.Library, Driver);
    }

    /// <summary>Path of its driver's library.</summary>
    public string Driver { get; }

    /// <summary>Opens its device.</summary>
    public CudaBackend Open() => new(0, Driver);

    /// <summary>
    /// Changes what it pretends to be: devices, capability (90 for 9.0), multiprocessors, memory (bytes), ptx (85 for 8.5), missing (an attribute of the
    /// device that is 0), busy (1: another process has it for itself), compiler (0: the driver has none for PTX), cublas (the status of
    /// its products; -1: they are wrong), failing (1: launches fail), wrong-wgmma (1: its products are wrong), life (calls until the
    /// device is lost; -1: it is not), lazy (1: what is put on a stream waits until somebody waits for it).
    /// </summary>
    public void Pretend(string what, long value) => Set(Driver, what, value);

    /// <summary>
    /// What it has counted: used (bytes of the device), allocations, pinned, reserved and events (that there are), retained (how often its
    /// context is held), waits, launches and graphs (so far), early (what was given back so far while work that waited could use it).
    /// </summary>
    public long Count(string what) =>
        Marshal.GetDelegateForFunctionPointer<Getter>(NativeLibrary.GetExport(NativeLibrary.Load(Driver), "icc_host_get"))(what);

    /// <summary>All that a program can take of it: nothing is left where it is all 0.</summary>
    public long[] Taken() => [Count("used"), Count("allocations"), Count("pinned"), Count("reserved"), Count("events"), Count("retained")];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    internal static void Set(string library, string what, long value) =>
        Marshal.GetDelegateForFunctionPointer<Setter>(NativeLibrary.GetExport(NativeLibrary.Load(library), "icc_host_set"))(what, value);

    private delegate void Setter([MarshalAs(UnmanagedType.LPUTF8Str)] string what, long value);

    private delegate long Getter([MarshalAs(UnmanagedType.LPUTF8Str)] string what);
}
