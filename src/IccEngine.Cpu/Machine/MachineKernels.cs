using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// Loops that do nothing but what they measure. They are compiled once and fully: a loop that started in unoptimised code would measure
/// the compiler.
/// </summary>
/// <typeparam name="TV">A vector.</typeparam>
/// <typeparam name="TOps">Its operations.</typeparam>
internal static unsafe class MachineKernels<TV, TOps> where TV : unmanaged where TOps : IVectorOps<TV>
{
    /// <summary>Floating-point operations of one step of <see cref="MultiplyAdd"/>: 12 products and sums, in every lane.</summary>
    public static double FlopsPerStep => 12 * 2.0 * TOps.Count;

    /// <summary>Twelve independent chains: more than latency times ports on any processor, and few enough for sixteen registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float MultiplyAdd(long steps)
    {
        var (b, c) = (TOps.Broadcast(0.999f), TOps.Broadcast(1e-3f));
        var x0 = TOps.Broadcast(0.1f);
        var x1 = TOps.Broadcast(0.2f);
        var x2 = TOps.Broadcast(0.3f);
        var x3 = TOps.Broadcast(0.4f);
        var x4 = TOps.Broadcast(0.5f);
        var x5 = TOps.Broadcast(0.6f);
        var x6 = TOps.Broadcast(0.7f);
        var x7 = TOps.Broadcast(0.8f);
        var x8 = TOps.Broadcast(0.9f);
        var x9 = TOps.Broadcast(1.1f);
        var x10 = TOps.Broadcast(1.2f);
        var x11 = TOps.Broadcast(1.3f);
        for (long i = 0; i < steps; i++)
        {
            x0 = TOps.MultiplyAdd(x0, b, c);
            x1 = TOps.MultiplyAdd(x1, b, c);
            x2 = TOps.MultiplyAdd(x2, b, c);
            x3 = TOps.MultiplyAdd(x3, b, c);
            x4 = TOps.MultiplyAdd(x4, b, c);
            x5 = TOps.MultiplyAdd(x5, b, c);
            x6 = TOps.MultiplyAdd(x6, b, c);
            x7 = TOps.MultiplyAdd(x7, b, c);
            x8 = TOps.MultiplyAdd(x8, b, c);
            x9 = TOps.MultiplyAdd(x9, b, c);
            x10 = TOps.MultiplyAdd(x10, b, c);
            x11 = TOps.MultiplyAdd(x11, b, c);
        }
        var sum = TOps.Add(TOps.Add(TOps.Add(x0, x1), TOps.Add(x2, x3)), TOps.Add(TOps.Add(x4, x5), TOps.Add(x6, x7)));
        return TOps.Sum(TOps.Add(sum, TOps.Add(TOps.Add(x8, x9), TOps.Add(x10, x11))));
    }

    /// <summary>Reads memory from front to back, in four streams of sums, with lines asked for 4 KiB ahead.</summary>
    /// <param name="source">First element.</param>
    /// <param name="count">Elements; a multiple of 64.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Read(float* source, long count)
    {
        var (a, b, c, d) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var end = source + count;
        for (; source < end; source += 64)
        {
            Memory.Prefetch(source + 1024);
            Memory.Prefetch(source + 1040);
            Memory.Prefetch(source + 1056);
            Memory.Prefetch(source + 1072);
            for (var i = 0; i < 64; i += 4 * TOps.Count)
            {
                a = TOps.Add(a, TOps.Load(source + i));
                b = TOps.Add(b, TOps.Load(source + i + TOps.Count));
                c = TOps.Add(c, TOps.Load(source + i + 2 * TOps.Count));
                d = TOps.Add(d, TOps.Load(source + i + 3 * TOps.Count));
            }
        }
        return TOps.Sum(TOps.Add(TOps.Add(a, b), TOps.Add(c, d)));
    }
}
