using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Xunit;

namespace IccEngine.Testing;

/// <summary>
/// The CUDA kernels compiled for the processor, behind the entry points of the driver (kernels/host): what runs the CUDA backend where
/// there is no GPU. It is built once for its sources, into artifacts/cuda-host.
/// </summary>
public static class CudaHost
{
    private const int NoCompiler = 3;
    private static readonly Lazy<(string? Path, string? Missing)> _plain = new(() => Build("--host"));
    private static readonly Lazy<(string? Path, string? Missing)> _watched = new(() => Build("--host-watched"));

    /// <summary>Path of the library; the test is skipped, with the reason, where there is no C++ compiler.</summary>
    public static string Library => PathOf(_plain.Value);

    /// <summary>Path of the library that checks every access of a kernel to memory, likewise; slower.</summary>
    public static string WatchedLibrary => PathOf(_watched.Value);

    /// <summary>Runs one of the wrong kernels of kernels/host/faults.cpp on the watched library; the number of the fault that was found.</summary>
    public static int Provoke(int which)
    {
        var address = NativeLibrary.GetExport(NativeLibrary.Load(WatchedLibrary), "icc_host_provoke");
        return Marshal.GetDelegateForFunctionPointer<Provoker>(address)(which);
    }

    /// <summary>Changes what <see cref="Library"/> pretends to be: devices, capability (90 for 9.0), memory (bytes), ptx (85 for 8.5), failing (1: launches fail).</summary>
    public static void Pretend(string what, long value)
    {
        var address = NativeLibrary.GetExport(NativeLibrary.Load(Library), "icc_host_set");
        Marshal.GetDelegateForFunctionPointer<Setter>(address)(what, value);
    }

    private delegate void Setter([MarshalAs(UnmanagedType.LPUTF8Str)] string what, long value);

    private delegate int Provoker(int which);

    private static string PathOf((string? Path, string? Missing) library)
    {
        Skip.If(library.Path is null, $"the CUDA kernels cannot be compiled for the processor: {library.Missing}");
        return library.Path!;
    }

    private static (string? Path, string? Missing) Build(string option)
    {
        if (OperatingSystem.IsWindows())
        {
            return (null, "the host library needs Linux");
        }
        var kernels = Path.Combine(Goldens.Repository, "kernels");
        string[] sources = [.. Directory.EnumerateFiles(kernels, "*", SearchOption.TopDirectoryOnly)
            .Concat(Directory.EnumerateFiles(Path.Combine(kernels, "host"))).Append(Path.Combine(Goldens.Repository, "tools", "build-kernels"))
            .Order(StringComparer.Ordinal)];
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. sources.SelectMany(File.ReadAllBytes)]))[..16];
        var path = Path.Combine(Goldens.Repository, "artifacts", "cuda-host", hash, $"libicc-cuda{option[1..]}.so");
        if (File.Exists(path))
        {
            return (path, null);
        }
        var start = new ProcessStartInfo(sources.Single(s => s.EndsWith("build-kernels", StringComparison.Ordinal)), [option, path])
        {
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode switch
        {
            0 => (path, null),
            NoCompiler => (null, errors.Trim()),
            _ => throw new InvalidOperationException($"tools/build-kernels {option} failed:{Environment.NewLine}{errors}"),
        };
    }
}
