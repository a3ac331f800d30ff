using System.Text;
using System.Text.RegularExpressions;
using IccEngine.Core;
using IccEngine.Cuda;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>
/// The checked host library finds what is wrong in WrongKernels.cpp, TensorCoreKernels.cpp and WarpgroupKernels.cpp, by name of the kernel,
/// and nothing where nothing is; its tensor cores multiply as matrices are multiplied. AddressSanitizer finds what is outside, and more
/// (<see cref="SanitizerTests"/>).
/// </summary>
public sealed class KernelCheckTests
{
    private const int Count = 128;

    /// <summary>What is wrong with a kernel, by the first word of its name: how the report begins.</summary>
    private static readonly Dictionary<string, string> _reports = CudaHost.IsSanitized
        ? new()
        {
            ["outside"] = "AddressSanitizer: ",
            ["own"] = "AddressSanitizer: stack-",
            ["stuck"] = "CUDA_ERROR_LAUNCH_FAILED",
        }
        : new()
        {
            ["race"] = "race: thread ",
            ["outside"] = "access outside of memory: thread ",
            ["misaligned"] = "misaligned access: thread ",
            ["stuck"] = "CUDA_ERROR_LAUNCH_FAILED",
        };

    /// <summary>Kernels of all files.</summary>
    public static TheoryData<string> Kernels => [.. KernelsOf("*")];

    [SkippableTheory]
    [MemberData(nameof(Kernels))]
    public void WhatIsWrongIsReported(string kernel)
    {
        using var run = new Run(kernel);
        if (!_reports.TryGetValue(kernel.Split('_')[0], out var report))
        {
            run.Launch();
            return;
        }
        var error = Assert.Throws<IccDeviceException>(() => run.Launch());
        Assert.Contains($"kernel {kernel} ", error.Message, StringComparison.Ordinal);
        Assert.Contains(report, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        using var right = new Run("right_neighbour");
        right.Launch();
    }

    [SkippableFact]
    public void ARaceIsReportedWithItsPlace()
    {
        using var run = new Run("race_next_round");
        var error = Assert.Throws<IccDeviceException>(() => run.Launch());
        Assert.Matches(
            @"race: thread \d+ of block \(0, 0, 0\) (writes|reads) 4 bytes at byte \d+ of the shared array room of 256 bytes in epoch 1 of "
            + @"the block, which thread \d+ of the same block (wrote|read) with no barrier between$", error.Message);
    }

    [SkippableTheory]
    [InlineData("outside_write_beyond", "thread 63 of block (0, 0, 0) writes 4 bytes at byte 512 of the allocation of 512 bytes")]
    [InlineData("outside_read_beyond", "thread 63 of block (0, 0, 0) reads 4 bytes at byte 512 of the allocation of 512 bytes")]
    [InlineData("outside_shared_beyond", "thread 63 of block (0, 0, 0) writes 4 bytes at byte 256 of the shared array room of 256 bytes")]
    public void AnOverrunIsReportedWithItsPlace(string kernel, string place)
    {
        using var run = new Run(kernel);
        Assert.Contains(place, Assert.Throws<IccDeviceException>(() => run.Launch()).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void BlocksOfOneLaunchHaveNoOrder()
    {
        using var run = new Run("race_of_blocks");
        run.Launch(blocks: 1);
        run.Launch(blocks: 1); // launches have one
        Assert.Contains("of another block wrote", Assert.Throws<IccDeviceException>(() => run.Launch()).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void MemoryThatWasGivenBackIsNoMemory()
    {
        using var run = new Run("right_neighbour");
        run.FreeMemory();
        Assert.Contains(
            "access outside of memory", Assert.Throws<IccDeviceException>(() => run.Launch(blocks: 1)).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void SharedMemoryHasNoContentAtFirst()
    {
        using var run = new Run("unwritten_shared");
        run.Launch(blocks: 1);
        run.Launch(blocks: 1); // the first one has left something there
        Assert.All(run.Memory()[..64], v => Assert.True(float.IsNaN(v)));
    }

    [SkippableFact]
    public void TensorCoresMultiplyMatrices()
    {
        using var run = new Run("product");
        run.Launch();
        var expected =
            from row in Enumerable.Range(0, 16)
            from column in Enumerable.Range(0, 8)
            select 1000 + Enumerable.Range(0, 16).Sum(k => ((3 * row + 5 * k) % 17 - 8) * ((7 * k + 2 * column) % 13 - 6));
        Assert.Equal(expected.Select(v => (float)v), run.Memory());
    }

    [SkippableFact]
    public void ACopyArrivesWhenItIsWaitedForAndNotBefore()
    {
        float[] values = [.. Enumerable.Range(1, 64).Select(i => (float)i)];
        using var run = new Run("copy");
        run.Fill(values);
        run.Launch();
        Assert.Equal(values.Select((v, i) => i % 4 < 2 ? v : 0), run.Memory()[64..]);
        using var unwaited = new Run("copy_unwaited");
        unwaited.Launch();
        Assert.All(unwaited.Memory()[64..], v => Assert.True(float.IsNaN(v)));
    }

    [SkippableFact]
    public void WarpgroupsMultiplyMatrices()
    {
        float Expected(int e) => 1000 + Enumerable.Range(0, 16).Sum(k => ((3 * (e / 128) + 5 * k) % 17 - 8) * ((7 * k + 2 * (e % 128)) % 13 - 6));
        using var whole = new Run("columns_128");
        whole.Launch();
        Assert.Equal(Enumerable.Range(0, 64 * 128).Select(Expected), whole.Memory());
        using var half = new Run("columns_64");
        half.Launch();
        Assert.Equal(Enumerable.Range(0, 64 * 128).Select(e => e % 128 < 64 ? Expected(e) : 0), half.Memory());
    }

    [SkippableFact]
    public void WhatWasStoredIsHiddenFromProductsUntilAFence()
    {
        using var run = new Run("columns_unfenced");
        run.Launch();
        Assert.All(run.Memory(), v => Assert.True(float.IsNaN(v)));
    }

    private static IEnumerable<string> KernelsOf(string file)
    {
        var folder = Path.Combine(Goldens.Repository, "tests", "IccEngine.Testing");
        var source = string.Concat(Directory.EnumerateFiles(folder, $"{file}Kernels.cpp").Order(StringComparer.Ordinal).Select(File.ReadAllText));
        return Regex.Matches(source, @"__global__ void (\w+)\(").Select(m => m.Groups[1].Value);
    }

    /// <summary>A kernel that is loaded, and memory for it.</summary>
    private sealed unsafe class Run : IDisposable
    {
        private readonly int _threads, _count;
        private readonly CudaContext _context = new(0, CudaHost.CheckedLibrary);
        private readonly CudaBuffer _memory;
        private readonly ulong _address;
        private readonly Kernel _kernel;

        public Run(string kernel)
        {
            // What each file says.
            var warpgroups = KernelsOf("Warpgroup").Contains(kernel);
            (_threads, _count) = warpgroups ? (256, 8192) : (64, Count);
            var sharedBytes = warpgroups ? 8320 : 256;
            // What the library reads of a PTX text.
            var ptx = $".version 7.0\n.target sm_80\n.visible .entry {kernel}(\n\t.param .u64 a,\n\t.param .u32 b\n)\n\0";
            var module = _context.LoadModule(kernel, Encoding.ASCII.GetBytes(ptx));
            _kernel = new Kernel(kernel, _context.Function(module, Encoding.ASCII.GetBytes(kernel + '\0'), sharedBytes), sharedBytes);
            _memory = new CudaBuffer(_context, DType.F32, _count);
            _address = _memory.Address;
            _context.Clear(_address, _count * sizeof(float));
        }

        /// <summary>Runs it; where nobody says otherwise, with more than one block where that is what is wrong.</summary>
        public void Launch(int? blocks = null)
        {
            var (address, count) = (_address, _count);
            var parameters = stackalloc void*[] { &address, &count };
            _context.Launch(_kernel, blocks ?? (_kernel.Name.EndsWith("blocks", StringComparison.Ordinal) ? 2 : 1), 1, 1, _threads, parameters);
            _context.Flush();
        }

        public float[] Memory()
        {
            var values = new float[_count];
            fixed (float* to = values)
            {
                _context.Download(_address, to, _count * sizeof(float));
            }
            return values;
        }

        /// <summary>Sets what the memory begins with.</summary>
        public void Fill(float[] values)
        {
            fixed (float* from = values)
            {
                _context.Upload(from, _address, values.Length * sizeof(float));
            }
        }

        public void FreeMemory() => _memory.Dispose();

        public void Dispose()
        {
            _memory.Dispose();
            _context.Release();
        }
    }
}
