using IccEngine.Core;
using IccEngine.Cpu;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The backends that the contract is run on, by name, so that a report tells which one failed or was left out.</summary>
public static class Subjects
{
    private const string Reference = "reference";

    /// <summary>Names of all backends, those that this machine lacks included.</summary>
    public static IEnumerable<string> Names => [Reference, .. CpuNames, .. CudaNames];

    /// <summary>Names of the instruction sets of the CPU backend.</summary>
    public static IEnumerable<string> CpuNames => Enum.GetNames<InstructionSet>();

    /// <summary>Names of the CUDA backend: its kernels on the processor, without and with checks of what they touch, and on a device.</summary>
    public static IEnumerable<string> CudaNames => [TestBackends.CudaOnHost, TestBackends.CudaOnHostChecked, TestBackends.Cuda];

    /// <summary>Theory data: every backend.</summary>
    public static TheoryData<string> All => [.. Names];

    /// <summary>Theory data: every backend but the one that checks accesses to memory, for what takes it minutes and runs no other code.</summary>
    public static TheoryData<string> Unchecked => [.. Names.Where(n => n != TestBackends.CudaOnHostChecked)];

    /// <summary>Theory data: every instruction set of the CPU backend.</summary>
    public static TheoryData<string> Cpu => [.. CpuNames];

    /// <summary>Makes a backend; skips the test where this machine cannot run it.</summary>
    public static IBackend Create(string name) =>
        name == Reference ? new ReferenceBackend<float>() : CudaNames.Contains(name) ? TestBackends.CreateCuda(name) : CreateCpu(name, 2);

    /// <summary>Makes the CPU backend of an instruction set; skips the test where this machine cannot run it.</summary>
    public static CpuBackend CreateCpu(string name, int threads)
    {
        var set = Enum.Parse<InstructionSet>(name);
        if (!CpuBackend.Supported.Contains(set))
        {
            var error = Assert.Throws<IccUnsupportedException>(() => new CpuBackend(1, set));
            Skip.If(true, error.Message);
        }
        return new CpuBackend(threads, set);
    }

    /// <summary>Theory data: every backend with each of some values.</summary>
    public static IEnumerable<object[]> With(params object[] values) => Names.SelectMany(n => values.Select(v => new[] { n, v }));
}
