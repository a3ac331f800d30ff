using System.Runtime.Intrinsics;
using IccEngine.Cpu;
using Xunit;

namespace IccEngine.Contract.Tests;

/// <summary>The vector operations under the kernels, for each instruction set.</summary>
public unsafe class SimdTests
{
    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void ABackendRunsTheSetItWasAskedFor(string name)
    {
        using var backend = Subjects.CreateCpu(name, 2);
        Assert.Equal(name, backend.InstructionSet.ToString());
        Assert.Equal(name switch { "Avx512" => 16, "Avx2" => 8, _ => 1 }, backend.Lanes);
        Assert.Equal(name switch { "Avx512" => "cpu (AVX-512, 2 threads)", "Avx2" => "cpu (AVX2, 2 threads)", _ => "cpu (plain, 2 threads)" }, backend.Description);
    }

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void HalvesWidenExactly(string name) => Run(name, new HalvesWidenExactlyCase());

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void BFloatsWidenExactly(string name) => Run(name, new BFloatsWidenExactlyCase());

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void ExpIsWithinTwoUnits(string name) => Run(name, new ExpCase());

    [SkippableTheory]
    [MemberData(nameof(Subjects.Cpu), MemberType = typeof(Subjects))]
    public void TransposeTransposes(string name) => Run(name, new TransposeCase());

    private static void Run(string name, ICase test)
    {
        using var supported = Subjects.CreateCpu(name, 1);
        switch (supported.InstructionSet)
        {
            case InstructionSet.Avx512:
                test.Run<Avx512Ops, Vector512<float>>();
                break;
            case InstructionSet.Avx2:
                test.Run<Avx2Ops, Vector256<float>>();
                break;
            default:
                test.Run<PlainOps, float>();
                break;
        }
    }

    private interface ICase
    {
        void Run<TOps, TV>()
            where TOps : struct, IVectorOps<TV>
            where TV : unmanaged;
    }

    private sealed class HalvesWidenExactlyCase : ICase
    {
        public void Run<TOps, TV>()
            where TOps : struct, IVectorOps<TV>
            where TV : unmanaged
        {
            var halves = stackalloc ushort[TOps.Count];
            var floats = stackalloc float[TOps.Count];
            for (var bits = 0; bits < 1 << 16; bits += TOps.Count)
            {
                for (var i = 0; i < TOps.Count; i++)
                {
                    halves[i] = (ushort)(bits + i);
                }
                TOps.Store(TOps.LoadF16(halves), floats);
                for (var i = 0; i < TOps.Count; i++)
                {
                    var expected = (float)BitConverter.UInt16BitsToHalf((ushort)(bits + i));
                    Assert.True(
                        float.IsNaN(expected) ? float.IsNaN(floats[i]) : BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(floats[i]),
                        $"{bits + i:x4}: {floats[i]:R}, expected {expected:R}");
                }
            }
        }
    }

    private sealed class BFloatsWidenExactlyCase : ICase
    {
        public void Run<TOps, TV>()
            where TOps : struct, IVectorOps<TV>
            where TV : unmanaged
        {
            var source = stackalloc ushort[TOps.Count];
            var destination = stackalloc uint[TOps.Count];
            for (var bits = 0; bits < 1 << 16; bits += TOps.Count)
            {
                for (var i = 0; i < TOps.Count; i++)
                {
                    source[i] = (ushort)(bits + i);
                }
                TOps.Store(TOps.LoadBF16(source), (float*)destination);
                for (var i = 0; i < TOps.Count; i++)
                {
                    Assert.Equal((uint)(bits + i) << 16, destination[i]);
                }
            }
        }
    }

    private sealed class ExpCase : ICase
    {
        public void Run<TOps, TV>()
            where TOps : struct, IVectorOps<TV>
            where TV : unmanaged
        {
            var worst = 0.0;
            for (var i = 0; i <= 1_000_000; i++)
            {
                // The whole range of normal results, and the short arguments that softmax mostly has.
                var x = i % 2 == 0 ? -87.3f + i * (175.9f / 1_000_000) : -i * 1e-6f;
                var exact = Math.Exp(x);
                var unit = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)exact) & 0x7f800000) * 1.1920929e-7;
                worst = Math.Max(worst, Math.Abs(Of(x) - exact) / unit);
            }
            Assert.InRange(worst, 0.3, 2);
            Assert.Equal(0, Of(float.NegativeInfinity));
            Assert.Equal(0, Of(float.MinValue));
            Assert.Equal(0, Of(-1e30f));
            Assert.Equal(1, Of(0));
            Assert.Equal(1, Of(-0f));
            Assert.Equal(float.PositiveInfinity, Of(float.PositiveInfinity));
            Assert.Equal(float.PositiveInfinity, Of(88.8f));
            Assert.Equal(float.NaN, Of(float.NaN));
            Assert.Equal(Math.Exp(-95), Of(-95), 3e-45);

            static float Of(float x)
            {
                var lanes = stackalloc float[TOps.Count];
                TOps.Store(VectorMath<TOps, TV>.Exp(TOps.Broadcast(x)), lanes);
                Assert.Equal(lanes[0], lanes[TOps.Count - 1]);
                return lanes[0];
            }
        }
    }

    private sealed class TransposeCase : ICase
    {
        public void Run<TOps, TV>()
            where TOps : struct, IVectorOps<TV>
            where TV : unmanaged
        {
            var n = TOps.Count;
            var source = stackalloc float[n * (n + 3)];
            var destination = stackalloc float[n * (n + 5)];
            for (var i = 0; i < n * (n + 3); i++)
            {
                source[i] = i;
            }
            TOps.Transpose(source, n + 3, destination, n + 5);
            for (var r = 0; r < n; r++)
            {
                for (var c = 0; c < n; c++)
                {
                    Assert.Equal(source[r * (n + 3) + c], destination[c * (n + 5) + r]);
                }
            }
        }
    }
}
