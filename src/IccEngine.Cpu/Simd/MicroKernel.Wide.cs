using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

// The tiles of three vectors: eight rows where there are 32 registers, four where there are 16.
internal static unsafe partial class MicroKernel<TOps, TV>
{
    /// <summary>a(r, p) = a[r][p]: eight rows, three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8x3<TWidth>(float** a, float* b, int k, float* c, nint ldc, bool add) where TWidth : struct, ITileWidth
    {
        var (c00, c01, c02) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c10, c11, c12) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c20, c21, c22) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c30, c31, c32) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c40, c41, c42) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c50, c51, c52) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c60, c61, c62) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c70, c71, c72) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var a0 = a[0];
        var a1 = a[1];
        var a2 = a[2];
        var a3 = a[3];
        var a4 = a[4];
        var a5 = a[5];
        var a6 = a[6];
        var a7 = a[7];
        for (var p = 0; p < k; p++, b += TileLanes)
        {
            var b0 = TOps.Load(b);
            var b1 = TOps.Load(b + TOps.Count);
            var b2 = TWidth.Third ? TOps.Load(b + 2 * TOps.Count) : TOps.Zero;
            var x = TOps.Broadcast(a0[p]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            c01 = TOps.MultiplyAdd(x, b1, c01);
            c02 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c02) : c02;
            x = TOps.Broadcast(a1[p]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            c11 = TOps.MultiplyAdd(x, b1, c11);
            c12 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c12) : c12;
            x = TOps.Broadcast(a2[p]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            c21 = TOps.MultiplyAdd(x, b1, c21);
            c22 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c22) : c22;
            x = TOps.Broadcast(a3[p]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            c31 = TOps.MultiplyAdd(x, b1, c31);
            c32 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c32) : c32;
            x = TOps.Broadcast(a4[p]);
            c40 = TOps.MultiplyAdd(x, b0, c40);
            c41 = TOps.MultiplyAdd(x, b1, c41);
            c42 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c42) : c42;
            x = TOps.Broadcast(a5[p]);
            c50 = TOps.MultiplyAdd(x, b0, c50);
            c51 = TOps.MultiplyAdd(x, b1, c51);
            c52 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c52) : c52;
            x = TOps.Broadcast(a6[p]);
            c60 = TOps.MultiplyAdd(x, b0, c60);
            c61 = TOps.MultiplyAdd(x, b1, c61);
            c62 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c62) : c62;
            x = TOps.Broadcast(a7[p]);
            c70 = TOps.MultiplyAdd(x, b0, c70);
            c71 = TOps.MultiplyAdd(x, b1, c71);
            c72 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c72) : c72;
        }
        Finish<TWidth>(c00, c01, c02, c, add);
        Finish<TWidth>(c10, c11, c12, c + ldc, add);
        Finish<TWidth>(c20, c21, c22, c + 2 * ldc, add);
        Finish<TWidth>(c30, c31, c32, c + 3 * ldc, add);
        Finish<TWidth>(c40, c41, c42, c + 4 * ldc, add);
        Finish<TWidth>(c50, c51, c52, c + 5 * ldc, add);
        Finish<TWidth>(c60, c61, c62, c + 6 * ldc, add);
        Finish<TWidth>(c70, c71, c72, c + 7 * ldc, add);
    }

    /// <summary>a(r, p) = a[p][offset + r]: eight columns, three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns8x3<TWidth>(float** a, nint offset, nint ahead, float* b, int k, float* c, nint ldc, bool add) where TWidth : struct, ITileWidth
    {
        var (c00, c01, c02) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c10, c11, c12) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c20, c21, c22) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c30, c31, c32) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c40, c41, c42) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c50, c51, c52) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c60, c61, c62) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c70, c71, c72) = (TOps.Zero, TOps.Zero, TOps.Zero);
        for (var p = 0; p < k; p++, b += TileLanes)
        {
            var column = a[p] + offset;
            Memory.Prefetch(column + ahead);
            var b0 = TOps.Load(b);
            var b1 = TOps.Load(b + TOps.Count);
            var b2 = TWidth.Third ? TOps.Load(b + 2 * TOps.Count) : TOps.Zero;
            var x = TOps.Broadcast(column[0]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            c01 = TOps.MultiplyAdd(x, b1, c01);
            c02 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c02) : c02;
            x = TOps.Broadcast(column[1]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            c11 = TOps.MultiplyAdd(x, b1, c11);
            c12 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c12) : c12;
            x = TOps.Broadcast(column[2]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            c21 = TOps.MultiplyAdd(x, b1, c21);
            c22 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c22) : c22;
            x = TOps.Broadcast(column[3]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            c31 = TOps.MultiplyAdd(x, b1, c31);
            c32 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c32) : c32;
            x = TOps.Broadcast(column[4]);
            c40 = TOps.MultiplyAdd(x, b0, c40);
            c41 = TOps.MultiplyAdd(x, b1, c41);
            c42 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c42) : c42;
            x = TOps.Broadcast(column[5]);
            c50 = TOps.MultiplyAdd(x, b0, c50);
            c51 = TOps.MultiplyAdd(x, b1, c51);
            c52 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c52) : c52;
            x = TOps.Broadcast(column[6]);
            c60 = TOps.MultiplyAdd(x, b0, c60);
            c61 = TOps.MultiplyAdd(x, b1, c61);
            c62 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c62) : c62;
            x = TOps.Broadcast(column[7]);
            c70 = TOps.MultiplyAdd(x, b0, c70);
            c71 = TOps.MultiplyAdd(x, b1, c71);
            c72 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c72) : c72;
        }
        Finish<TWidth>(c00, c01, c02, c, add);
        Finish<TWidth>(c10, c11, c12, c + ldc, add);
        Finish<TWidth>(c20, c21, c22, c + 2 * ldc, add);
        Finish<TWidth>(c30, c31, c32, c + 3 * ldc, add);
        Finish<TWidth>(c40, c41, c42, c + 4 * ldc, add);
        Finish<TWidth>(c50, c51, c52, c + 5 * ldc, add);
        Finish<TWidth>(c60, c61, c62, c + 6 * ldc, add);
        Finish<TWidth>(c70, c71, c72, c + 7 * ldc, add);
    }

    /// <summary>a(r, p) = a[r][p]: four rows, three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4x3<TWidth>(float** a, float* b, int k, float* c, nint ldc, bool add) where TWidth : struct, ITileWidth
    {
        var (c00, c01, c02) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c10, c11, c12) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c20, c21, c22) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c30, c31, c32) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var a0 = a[0];
        var a1 = a[1];
        var a2 = a[2];
        var a3 = a[3];
        for (var p = 0; p < k; p++, b += TileLanes)
        {
            var b0 = TOps.Load(b);
            var b1 = TOps.Load(b + TOps.Count);
            var b2 = TWidth.Third ? TOps.Load(b + 2 * TOps.Count) : TOps.Zero;
            var x = TOps.Broadcast(a0[p]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            c01 = TOps.MultiplyAdd(x, b1, c01);
            c02 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c02) : c02;
            x = TOps.Broadcast(a1[p]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            c11 = TOps.MultiplyAdd(x, b1, c11);
            c12 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c12) : c12;
            x = TOps.Broadcast(a2[p]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            c21 = TOps.MultiplyAdd(x, b1, c21);
            c22 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c22) : c22;
            x = TOps.Broadcast(a3[p]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            c31 = TOps.MultiplyAdd(x, b1, c31);
            c32 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c32) : c32;
        }
        Finish<TWidth>(c00, c01, c02, c, add);
        Finish<TWidth>(c10, c11, c12, c + ldc, add);
        Finish<TWidth>(c20, c21, c22, c + 2 * ldc, add);
        Finish<TWidth>(c30, c31, c32, c + 3 * ldc, add);
    }

    /// <summary>a(r, p) = a[p][offset + r]: four columns, three vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns4x3<TWidth>(float** a, nint offset, nint ahead, float* b, int k, float* c, nint ldc, bool add) where TWidth : struct, ITileWidth
    {
        var (c00, c01, c02) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c10, c11, c12) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c20, c21, c22) = (TOps.Zero, TOps.Zero, TOps.Zero);
        var (c30, c31, c32) = (TOps.Zero, TOps.Zero, TOps.Zero);
        for (var p = 0; p < k; p++, b += TileLanes)
        {
            var column = a[p] + offset;
            Memory.Prefetch(column + ahead);
            var b0 = TOps.Load(b);
            var b1 = TOps.Load(b + TOps.Count);
            var b2 = TWidth.Third ? TOps.Load(b + 2 * TOps.Count) : TOps.Zero;
            var x = TOps.Broadcast(column[0]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            c01 = TOps.MultiplyAdd(x, b1, c01);
            c02 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c02) : c02;
            x = TOps.Broadcast(column[1]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            c11 = TOps.MultiplyAdd(x, b1, c11);
            c12 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c12) : c12;
            x = TOps.Broadcast(column[2]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            c21 = TOps.MultiplyAdd(x, b1, c21);
            c22 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c22) : c22;
            x = TOps.Broadcast(column[3]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            c31 = TOps.MultiplyAdd(x, b1, c31);
            c32 = TWidth.Third ? TOps.MultiplyAdd(x, b2, c32) : c32;
        }
        Finish<TWidth>(c00, c01, c02, c, add);
        Finish<TWidth>(c10, c11, c12, c + ldc, add);
        Finish<TWidth>(c20, c21, c22, c + 2 * ldc, add);
        Finish<TWidth>(c30, c31, c32, c + 3 * ldc, add);
    }
}
