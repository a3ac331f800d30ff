using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>How operations on n independent elements are cut into items.</summary>
internal static class Chunks
{
    /// <summary>Elements of an item: enough to be worth a thread, few enough to spread.</summary>
    public const int Elements = 1 << 15;

    /// <summary>Items for <paramref name="n"/> elements.</summary>
    public static int Of(long n) => checked((int)((n + Elements - 1) / Elements));

    /// <summary>Elements of one item.</summary>
    public static int Length(long n, int item) => (int)Math.Min(Elements, n - (long)item * Elements);
}

/// <summary>y = silu(gate) * up.</summary>
internal readonly unsafe struct SiluMultiplyJob<TOps, TV>(float* gate, float* up, float* y, long n) : IJob
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int item)
    {
        var start = (long)item * Chunks.Elements;
        var g = gate + start;
        var u = up + start;
        var o = y + start;
        var count = Chunks.Length(n, item);
        var one = TOps.Broadcast(1);
        var i = 0;
        for (; i <= count - TOps.Count; i += TOps.Count)
        {
            var x = TOps.Load(g + i);
            var e = VectorMath<TOps, TV>.Exp(TOps.Subtract(TOps.Zero, x));
            TOps.Store(TOps.Multiply(TOps.Divide(x, TOps.Add(one, e)), TOps.Load(u + i)), o + i);
        }
        for (; i < count; i++)
        {
            o[i] = g[i] / (1 + Scalar.Exp(-g[i])) * u[i];
        }
    }
}

/// <summary>n bytes become 0.</summary>
internal readonly unsafe struct ClearJob(byte* x, long n) : IJob
{
    public void Run(int item) => new Span<byte>(x + (long)item * Chunks.Elements, Chunks.Length(n, item)).Clear();
}
