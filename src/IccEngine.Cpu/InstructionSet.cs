using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>What the kernels of <see cref="CpuBackend"/> may be compiled for, the narrowest first.</summary>
public enum InstructionSet
{
    /// <summary>Scalar float32 code that runs everywhere.</summary>
    Plain,

    /// <summary>Vectors of 8 float32 (AVX2 and FMA).</summary>
    Avx2,

    /// <summary>Vectors of 16 float32 (AVX-512 F, BW and DQ).</summary>
    Avx512,
}

/// <summary>What this process can run.</summary>
internal static class InstructionSets
{
    /// <summary>The sets that the processor has and the runtime's switches (DOTNET_EnableAVX512=0 and such) leave on.</summary>
    public static IReadOnlyList<InstructionSet> Supported { get; } =
        [.. Enum.GetValues<InstructionSet>().Where(set => Missing(set) is null)];

    /// <summary>The given set, or the widest one.</summary>
    /// <exception cref="IccUnsupportedException">This process cannot run <paramref name="wanted"/>.</exception>
    public static InstructionSet Choose(InstructionSet? wanted)
    {
        if (wanted is not { } set)
        {
            return Supported[^1];
        }
        return Missing(set) is { } missing
            ? throw new IccUnsupportedException($"instruction set {Name(set)}: this processor or runtime lacks {missing}; "
                + $"it has {string.Join(", ", Supported.Select(Name))}")
            : set;
    }

    /// <summary>How people write it.</summary>
    public static string Name(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 => "AVX-512",
        InstructionSet.Avx2 => "AVX2",
        InstructionSet.Plain => "plain",
        _ => throw new ArgumentOutOfRangeException(nameof(set), set, null),
    };

    private static string? Missing(InstructionSet set) => set switch
    {
        InstructionSet.Avx512 when !Avx512F.IsSupported => "AVX-512F",
        InstructionSet.Avx512 when !Avx512BW.IsSupported => "AVX-512BW",
        InstructionSet.Avx512 when !Avx512DQ.IsSupported => "AVX-512DQ",
        InstructionSet.Avx512 when !Vector512.IsHardwareAccelerated => "fast 512-bit vectors",
        InstructionSet.Avx2 when !Avx2.IsSupported => "AVX2",
        InstructionSet.Avx2 when !Fma.IsSupported => "FMA",
        InstructionSet.Plain or InstructionSet.Avx2 or InstructionSet.Avx512 => null,
        _ => throw new ArgumentOutOfRangeException(nameof(set), set, null),
    };
}
