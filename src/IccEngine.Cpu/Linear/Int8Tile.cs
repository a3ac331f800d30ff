using System.Runtime.CompilerServices;
using IccEngine.Core;

namespace IccEngine.Cpu;

/// <summary>
/// The register tiles of few-row products with weights in <see cref="WeightFormat.Int8"/>: rows of x times rows of the weight, which are
/// widened and scaled on their way, all sums in registers. Tiles are as large as those of <see cref="DotTile{TOps, TV, TW}"/>.
/// </summary>
internal static unsafe class Int8Tile<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>sums[r, o] = x_r . (scales_o w_o) over whole vectors of the inputs.</summary>
    /// <param name="x">[vectors, Rows, Count]</param>
    /// <param name="w">The weights of the outputs.</param>
    /// <param name="scales">Their scales, a group each.</param>
    /// <param name="vectors">Vectors of the inputs.</param>
    /// <param name="next">Weights that are read after these: asked for from front to back, as many as are read here.</param>
    /// <param name="sums">[Rows, Outputs]</param>
    public static void Multiply(float* x, sbyte** w, float** scales, int vectors, sbyte* next, float* sums)
    {
        if (TOps.TileRows == 8)
        {
            Rows4x6(x, w, scales, vectors, next, sums);
        }
        else
        {
            Rows4x3(x, w, scales, vectors, next, sums);
        }
    }

    /// <summary>As <see cref="Multiply"/>: four rows, six outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4x6(float* x, sbyte** w, float** scales, int vectors, sbyte* next, float* sums)
    {
        var w0 = w[0];
        var f0 = scales[0];
        var w1 = w[1];
        var f1 = scales[1];
        var w2 = w[2];
        var f2 = scales[2];
        var w3 = w[3];
        var f3 = scales[3];
        var w4 = w[4];
        var f4 = scales[4];
        var w5 = w[5];
        var f5 = scales[5];
        var (s00, s01, s02, s03, s04, s05) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (s10, s11, s12, s13, s14, s15) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (s20, s21, s22, s23, s24, s25) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        var (s30, s31, s32, s33, s34, s35) = (TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero, TOps.Zero);
        for (nint i = 0; i < vectors * TOps.Count; i += TOps.Count, x += 4 * TOps.Count)
        {
            if (i % Memory.CacheLine == 0)
            {
                for (var line = 0; line < 6; line++, next += Memory.CacheLine)
                {
                    Memory.Prefetch(next);
                }
            }
            var g = i / Int8Matrix.Group;
            var x0 = TOps.Load(x);
            var x1 = TOps.Load(x + TOps.Count);
            var x2 = TOps.Load(x + 2 * TOps.Count);
            var x3 = TOps.Load(x + 3 * TOps.Count);
            var b = TOps.Multiply(TOps.Broadcast(f0[g]), TOps.LoadI8(w0 + i));
            s00 = TOps.MultiplyAdd(x0, b, s00);
            s10 = TOps.MultiplyAdd(x1, b, s10);
            s20 = TOps.MultiplyAdd(x2, b, s20);
            s30 = TOps.MultiplyAdd(x3, b, s30);
            b = TOps.Multiply(TOps.Broadcast(f1[g]), TOps.LoadI8(w1 + i));
            s01 = TOps.MultiplyAdd(x0, b, s01);
            s11 = TOps.MultiplyAdd(x1, b, s11);
            s21 = TOps.MultiplyAdd(x2, b, s21);
            s31 = TOps.MultiplyAdd(x3, b, s31);
            b = TOps.Multiply(TOps.Broadcast(f2[g]), TOps.LoadI8(w2 + i));
            s02 = TOps.MultiplyAdd(x0, b, s02);
            s12 = TOps.MultiplyAdd(x1, b, s12);
            s22 = TOps.MultiplyAdd(x2, b, s22);
            s32 = TOps.MultiplyAdd(x3, b, s32);
            b = TOps.Multiply(TOps.Broadcast(f3[g]), TOps.LoadI8(w3 + i));
            s03 = TOps.MultiplyAdd(x0, b, s03);
            s13 = TOps.MultiplyAdd(x1, b, s13);
            s23 = TOps.MultiplyAdd(x2, b, s23);
            s33 = TOps.MultiplyAdd(x3, b, s33);
            b = TOps.Multiply(TOps.Broadcast(f4[g]), TOps.LoadI8(w4 + i));
            s04 = TOps.MultiplyAdd(x0, b, s04);
            s14 = TOps.MultiplyAdd(x1, b, s14);
            s24 = TOps.MultiplyAdd(x2, b, s24);
            s34 = TOps.MultiplyAdd(x3, b, s34);
            b = TOps.Multiply(TOps.Broadcast(f5[g]), TOps.LoadI8(w5 + i));
            s05 = TOps.MultiplyAdd(x0, b, s05);
            s15 = TOps.MultiplyAdd(x1, b, s15);
            s25 = TOps.MultiplyAdd(x2, b, s25);
            s35 = TOps.MultiplyAdd(x3, b, s35);
        }
        (sums[0], sums[1], sums[2]) = (TOps.Sum(s00), TOps.Sum(s01), TOps.Sum(s02));
        (sums[3], sums[4], sums[5]) = (TOps.Sum(s03), TOps.Sum(s04), TOps.Sum(s05));
        (sums[6], sums[7], sums[8]) = (TOps.Sum(s10), TOps.Sum(s11), TOps.Sum(s12));
        (sums[9], sums[10], sums[11]) = (TOps.Sum(s13), TOps.Sum(s14), TOps.Sum(s15));
        (sums[12], sums[13], sums[14]) = (TOps.Sum(s20), TOps.Sum(s21), TOps.Sum(s22));
        (sums[15], sums[16], sums[17]) = (TOps.Sum(s23), TOps.Sum(s24), TOps.Sum(s25));
        (sums[18], sums[19], sums[20]) = (TOps.Sum(s30), TOps.Sum(s31), TOps.Sum(s32));
        (sums[21], sums[22], sums[23]) = (TOps.Sum(s33), TOps.Sum(s34), TOps.Sum(s35));
    }

    /// <summary>As <see cref="Multiply"/>: four rows, three outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4x3(float* x, sbyte** w, float** scales, int vectors, sbyte* next, float* sums)
    {
        var w0 = w[0];
        var f0 = scales[0];
        var w1 = w[1];
        var f1 = scales[1];
        var w2 = w[2];
        var f2 = scales[2];
        var (s00, s01, s02) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (s10, s11, s12) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (s20, s21, s22) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (s30, s31, s32) = (TOps.Zero, TOps.Zero, TOps.Zero);
        for (nint i = 0; i < vectors * TOps.Count; i += TOps.Count, x += 4 * TOps.Count)
        {
            if (i % Memory.CacheLine == 0)
            {
                for (var line = 0; line < 3; line++, next += Memory.CacheLine)
                {
                    Memory.Prefetch(next);
                }
            }
            var g = i / Int8Matrix.Group;
            var x0 = TOps.Load(x);
            var x1 = TOps.Load(x + TOps.Count);
            var x2 = TOps.Load(x + 2 * TOps.Count);
            var x3 = TOps.Load(x + 3 * TOps.Count);
            var b = TOps.Multiply(TOps.Broadcast(f0[g]), TOps.LoadI8(w0 + i));
            s00 = TOps.MultiplyAdd(x0, b, s00);
            s10 = TOps.MultiplyAdd(x1, b, s10);
            s20 = TOps.MultiplyAdd(x2, b, s20);
            s30 = TOps.MultiplyAdd(x3, b, s30);
            b = TOps.Multiply(TOps.Broadcast(f1[g]), TOps.LoadI8(w1 + i));
            s01 = TOps.MultiplyAdd(x0, b, s01);
            s11 = TOps.MultiplyAdd(x1, b, s11);
            s21 = TOps.MultiplyAdd(x2, b, s21);
            s31 = TOps.MultiplyAdd(x3, b, s31);
            b = TOps.Multiply(TOps.Broadcast(f2[g]), TOps.LoadI8(w2 + i));
            s02 = TOps.MultiplyAdd(x0, b, s02);
            s12 = TOps.MultiplyAdd(x1, b, s12);
            s22 = TOps.MultiplyAdd(x2, b, s22);
            s32 = TOps.MultiplyAdd(x3, b, s32);
        }
        (sums[0], sums[1], sums[2]) = (TOps.Sum(s00), TOps.Sum(s01), TOps.Sum(s02));
        (sums[3], sums[4], sums[5]) = (TOps.Sum(s10), TOps.Sum(s11), TOps.Sum(s12));
        (sums[6], sums[7], sums[8]) = (TOps.Sum(s20), TOps.Sum(s21), TOps.Sum(s22));
        (sums[9], sums[10], sums[11]) = (TOps.Sum(s30), TOps.Sum(s31), TOps.Sum(s32));
    }
}
