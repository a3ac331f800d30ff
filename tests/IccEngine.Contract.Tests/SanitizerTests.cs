using System.Diagnostics;
using System.Text.RegularExpressions;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>
/// The kernels compiled for AddressSanitizer, whose runtime has to be in a process from its start: each test starts one, which runs others
/// of these tests.
/// </summary>
[Trait("Category", "Long")]
public sealed class SanitizerTests
{
    // What takes long and runs no other kernel than the rest.
    private static readonly string[] _left =
    [
        ".TapTests.EqualsTheTwin", ".TapTests.ChunksEqualTheWhole", ".TapTests.HundredsOfSpans", ".CudaTapTurnTests", ".GroupedQueries",
        ".AttentionTests.ChunksEqualTheWhole", ".LinearTests.EqualsTheTwin", ".BFloat16RoundsBothSidesOnce",
    ];

    /// <summary>It is there and finds what it should, an overrun of a thread's own array among it.</summary>
    [SkippableFact]
    public void WhatIsWrongIsReported()
    {
        using var folder = new TemporaryFolder();
        Run("FullyQualifiedName~.KernelCheckTests.WhatIsWrongIsReported", folder.Path);
        var reports = string.Concat(Directory.EnumerateFiles(folder.Path, "asan*").Select(File.ReadAllText));
        Assert.Matches("AddressSanitizer: stack-.*\\n.*\\n.* wrong_kernels::own_read_beyond", reports);
    }

    /// <summary>It finds nothing in the kernels of the product, each of which runs.</summary>
    [SkippableFact]
    public void NothingIsWrongWithTheKernels()
    {
        using var folder = new TemporaryFolder();
        var left = string.Concat(_left.Select(l => $"&FullyQualifiedName!~{l}"));
        // The last two are not named by their backends.
        Run($"(DisplayName~cuda-host&DisplayName!~checked{left})|FullyQualifiedName~.CudaSmallDeviceTests|FullyQualifiedName~.AffinityTests.SumsAndMeans", folder.Path);
        var table = File.ReadAllText(Path.Combine(Goldens.Repository, "kernels", "host", "kernels.cpp"));
        var kernels = Regex.Matches(table, @"KERNEL\(\w+, (\w+)\),").Select(m => m.Groups[1].Value).Except(["peak_bf16"]); // CudaLimits, which reads nothing
        var run = File.ReadAllLines(KernelsOf(folder.Path));
        Assert.Empty(kernels.Except(run));
        Assert.Equal([KernelsOf(folder.Path)], Directory.EnumerateFiles(folder.Path)); // and no report
    }

    private static string KernelsOf(string folder) => Path.Combine(folder, "kernels");

    private static void Run(string filter, string folder)
    {
        Skip.If(CudaHost.IsSanitized, "this process was started by the same test");
        var library = CudaHost.LibraryForSanitizer;
        var dotnet = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(p => Path.Combine(p, "dotnet")).FirstOrDefault(File.Exists);
        Skip.If(dotnet is null, "there is no command dotnet that runs tests");
        var start = new ProcessStartInfo(dotnet!, ["vstest", typeof(SanitizerTests).Assembly.Location, $"--TestCaseFilter:{filter}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LD_PRELOAD"] = CudaHost.Sanitizer;
        // The runtime of .NET has signals of its own, and frees nothing at its end.
        start.Environment["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0"
            + $":halt_on_error=0:allocator_may_return_null=1:log_path={Path.Combine(folder, "asan")}";
        start.Environment[CudaHost.SanitizedVariable] = library;
        start.Environment["ICC_CUDA_HOST_KERNELS"] = KernelsOf(folder);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{output}{errors.Result}");
        Assert.Matches("Passed! .* Passed: +[1-9]", output);
    }
}
