using System.Runtime.CompilerServices;
using IccEngine.Testing;

namespace IccEngine.Models.Tests;

/// <summary>Goldens are computed on a host library with few multiprocessors: outputs and taps in one pass, and no splits.</summary>
internal static class FewMultiprocessors
{
    [ModuleInitializer]
    internal static void Pretend() => CudaHost.Multiprocessors = 2;
}
