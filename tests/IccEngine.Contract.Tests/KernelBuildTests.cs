using System.Diagnostics;
using System.Security.Cryptography;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The PTX that is committed is that of the sources.</summary>
[Trait("Category", "Long")]
public class KernelBuildTests
{
    private static readonly string _kernels = Path.Combine(Goldens.Repository, "kernels");

    [Fact]
    public void TheManifestIsThatOfTheSources()
    {
        var listed = File.ReadLines(Path.Combine(_kernels, "ptx", "manifest.sha256")).Select(l => l.Split("  ")).ToDictionary(p => p[1], p => p[0]);
        var found = Directory.EnumerateFiles(_kernels).Concat(Directory.EnumerateFiles(Path.Combine(_kernels, "device")))
            .ToDictionary(f => Path.GetRelativePath(_kernels, f), f => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f))));
        Assert.NotEmpty(found);
        Assert.Equal(found.OrderBy(f => f.Key, StringComparer.Ordinal), listed.OrderBy(f => f.Key, StringComparer.Ordinal));
    }

    [SkippableFact]
    public void TheSourcesGiveThisPtx()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Skip.IfNot(folders.Any(f => File.Exists(Path.Combine(f, "clang-19"))), "there is no clang-19 to build the PTX anew");
        var start = new ProcessStartInfo(Path.Combine(Goldens.Repository, "tools", "build-kernels"), ["--check"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var difference = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"tools/build-kernels makes other PTX than what is committed: {difference}{errors.Result}");
    }
}
