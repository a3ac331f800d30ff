using System.Diagnostics;
using System.Security.Cryptography;
using Xunit;

namespace IccEngine.Testing;

/// <summary>
/// The CUDA kernels compiled for the processor, behind the entry points of the driver (kernels/host): what runs the CUDA backend where
/// there is no GPU. It is built once for its sources, into artifacts/cuda-host.
/// </summary>
public static class CudaHost
{
    /// <summary>
    /// Name of the variable of the environment that says where the library is, where a test started this process with AddressSanitizer in
    /// it: the one for it, which is then both <see cref="Library"/> and <see cref="CheckedLibrary"/>.
    /// </summary>
    public const string SanitizedVariable = "ICC_CUDA_HOST_SANITIZED";

    private const int NoCompiler = 3;
    private static readonly string[] _testKernels =
    [
        .. new[] { "WrongKernels.cpp", "TensorCoreKernels.cpp", "WarpgroupKernels.cpp" }.Select(f => Path.Combine(Goldens.Repository, "tests", "IccEngine.Testing", f)),
    ];
    private static readonly string? _sanitized = Environment.GetEnvironmentVariable(SanitizedVariable);
    private static readonly Lazy<(string? Path, string? Missing)> _library =
        new(() => IsSanitized ? (_sanitized, null) : Build("libicc-cuda-host.so", "--host"));
    private static readonly Lazy<(string? Path, string? Missing)> _checked =
        new(() => IsSanitized ? (_sanitized, null) : Build("libicc-cuda-host-checked.so", "--host-checked", _testKernels));
    private static readonly Lazy<(string? Path, string? Missing)> _forSanitizer = new(() => Build("libicc-cuda-host-asan.so", "--host-asan", _testKernels));

    /// <summary>
    /// Multiprocessors that the library is to pretend when a backend is made, where not the 132 that it has: with few of them no work is
    /// split among blocks, so that other ways through the kernels are taken, and shorter ones.
    /// </summary>
    public static int? Multiprocessors { get; set; }

    /// <summary>Whether this process was started with AddressSanitizer in it.</summary>
    public static bool IsSanitized => _sanitized is not null;

    /// <summary>Path of the library; the test is skipped, with the reason, where there is no C++ compiler.</summary>
    public static string Library => PathOf(_library);

    /// <summary>
    /// Path of the same library with every access of a kernel to memory checked, and with kernels that are wrong on purpose
    /// (WrongKernels.cpp) or try the tensor cores (TensorCoreKernels.cpp, WarpgroupKernels.cpp); the test is skipped likewise.
    /// </summary>
    public static string CheckedLibrary => PathOf(_checked);

    /// <summary>Path of the library for processes with AddressSanitizer in them, with the same kernels; the test is skipped likewise.</summary>
    public static string LibraryForSanitizer => PathOf(_forSanitizer);

    /// <summary>Path of AddressSanitizer, as the compiler of <see cref="LibraryForSanitizer"/> has it.</summary>
    public static string Sanitizer
    {
        get
        {
            using var process = Process.Start(new ProcessStartInfo("g++", "-print-file-name=libasan.so") { RedirectStandardOutput = true })!;
            return process.StandardOutput.ReadToEnd().Trim();
        }
    }

    /// <summary>Changes what the library pretends to be (<see cref="PretendedMachine.Pretend"/>).</summary>
    public static void Pretend(string what, long value) => PretendedMachine.Set(Library, what, value);

    private static string PathOf(Lazy<(string? Path, string? Missing)> library)
    {
        Skip.If(library.Value.Path is null, $"the CUDA kernels cannot be compiled for the processor: {library.Value.Missing}");
        return library.Value.Path!;
    }

    private static (string? Path, string? Missing) Build(string file, string kind, params string[] further)
    {
        if (OperatingSystem.IsWindows())
        {
            return (null, "the host library needs Linux");
        }
        var kernels = Path.Combine(Goldens.Repository, "kernels");
        string[] sources = [.. Directory.EnumerateFiles(kernels, "*", SearchOption.TopDirectoryOnly)
            .Concat(Directory.EnumerateFiles(Path.Combine(kernels, "host"))).Append(Path.Combine(Goldens.Repository, "tools", "build-kernels"))
            .Concat(further).Order(StringComparer.Ordinal)];
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. sources.SelectMany(File.ReadAllBytes)]))[..16];
        var path = Path.Combine(Goldens.Repository, "artifacts", "cuda-host", hash, file);
        if (File.Exists(path))
        {
            return (path, null);
        }
        var start = new ProcessStartInfo(sources.Single(s => s.EndsWith("build-kernels", StringComparison.Ordinal)), [kind, path, .. further])
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
            _ => throw new InvalidOperationException($"tools/build-kernels {kind} failed:{Environment.NewLine}{errors}"),
        };
    }
}
