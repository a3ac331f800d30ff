using System.Runtime.CompilerServices;

namespace IccEngine.Cpu;

/// <summary>
/// The register tiles that products of matrices are made of: R rows times three vectors of lanes (or one), with all sums in registers.
/// c[r, lane] = (add ? c[r, lane] : 0) + sum over p of a(r, p) * b[p, lane], p ascending. A sum depends on its own row and lane only, never
/// on what else is in the tile. The panel b is [k, TileLanes] always; a tile of one vector reads its vector's columns of it.
/// </summary>
internal static unsafe partial class MicroKernel<TOps, TV>
    where TOps : struct, IVectorOps<TV>
    where TV : unmanaged
{
    /// <summary>Lanes of a full tile: three vectors.</summary>
    public static int TileLanes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 3 * TOps.Count;
    }

    /// <summary>Rows that a one-vector tile has.</summary>
    public const int NarrowRows = 8;

    /// <summary>c(r, lane) = sum over p of a[r][p] b[p, lane].</summary>
    /// <param name="a">Pointers to TOps.TileRows rows.</param>
    /// <param name="b">[k, TileLanes]</param>
    /// <param name="k">Length of the rows.</param>
    /// <param name="c">[TileRows, TileLanes]</param>
    /// <param name="ldc">Elements from a row of c to the next.</param>
    /// <param name="add">Add to c instead of replacing it.</param>
    /// <param name="third">Whether the third vector of lanes is wanted; without it two are computed.</param>
    public static void Rows(float** a, float* b, int k, float* c, nint ldc, bool add, bool third = true)
    {
        if (TOps.TileRows == 8)
        {
            if (third)
            {
                Rows8x3<ThreeVectors>(a, b, k, c, ldc, add);
                return;
            }
            Rows8x3<TwoVectors>(a, b, k, c, ldc, add);
            return;
        }
        if (third)
        {
            Rows4x3<ThreeVectors>(a, b, k, c, ldc, add);
            return;
        }
        Rows4x3<TwoVectors>(a, b, k, c, ldc, add);
    }

    /// <summary>c(r, lane) = sum over p of a[p][offset + r] b[p, lane].</summary>
    /// <param name="a">Pointers to k columns.</param>
    /// <param name="offset">Elements from a column's pointer to its first row.</param>
    /// <param name="ahead">Elements from there to what a later call reads in the same columns: it is asked for now.</param>
    /// <param name="b">[k, TileLanes]</param>
    /// <param name="k">Columns.</param>
    /// <param name="c">[TileRows, TileLanes]</param>
    /// <param name="ldc">Elements from a row of c to the next.</param>
    /// <param name="add">Add to c instead of replacing it.</param>
    /// <param name="third">Whether the third vector of lanes is wanted; without it two are computed.</param>
    public static void Columns(float** a, nint offset, nint ahead, float* b, int k, float* c, nint ldc, bool add, bool third = true)
    {
        if (TOps.TileRows == 8)
        {
            if (third)
            {
                Columns8x3<ThreeVectors>(a, offset, ahead, b, k, c, ldc, add);
                return;
            }
            Columns8x3<TwoVectors>(a, offset, ahead, b, k, c, ldc, add);
            return;
        }
        if (third)
        {
            Columns4x3<ThreeVectors>(a, offset, ahead, b, k, c, ldc, add);
            return;
        }
        Columns4x3<TwoVectors>(a, offset, ahead, b, k, c, ldc, add);
    }

    /// <summary>a(r, p) = a[r][p]: eight rows, one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows8x1(float** a, float* b, int k, float* c, nint ldc, bool add)
    {
        var c00 = TOps.Zero;
        var c10 = TOps.Zero;
        var c20 = TOps.Zero;
        var c30 = TOps.Zero;
        var c40 = TOps.Zero;
        var c50 = TOps.Zero;
        var c60 = TOps.Zero;
        var c70 = TOps.Zero;
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
            var x = TOps.Broadcast(a0[p]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            x = TOps.Broadcast(a1[p]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            x = TOps.Broadcast(a2[p]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            x = TOps.Broadcast(a3[p]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            x = TOps.Broadcast(a4[p]);
            c40 = TOps.MultiplyAdd(x, b0, c40);
            x = TOps.Broadcast(a5[p]);
            c50 = TOps.MultiplyAdd(x, b0, c50);
            x = TOps.Broadcast(a6[p]);
            c60 = TOps.MultiplyAdd(x, b0, c60);
            x = TOps.Broadcast(a7[p]);
            c70 = TOps.MultiplyAdd(x, b0, c70);
        }
        Finish1(c00, c, add);
        Finish1(c10, c + ldc, add);
        Finish1(c20, c + 2 * ldc, add);
        Finish1(c30, c + 3 * ldc, add);
        Finish1(c40, c + 4 * ldc, add);
        Finish1(c50, c + 5 * ldc, add);
        Finish1(c60, c + 6 * ldc, add);
        Finish1(c70, c + 7 * ldc, add);
    }

    /// <summary>a(r, p) = a[p][offset + r]: eight columns, one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Columns8x1(float** a, nint offset, float* b, int k, float* c, nint ldc, bool add)
    {
        var c00 = TOps.Zero;
        var c10 = TOps.Zero;
        var c20 = TOps.Zero;
        var c30 = TOps.Zero;
        var c40 = TOps.Zero;
        var c50 = TOps.Zero;
        var c60 = TOps.Zero;
        var c70 = TOps.Zero;
        for (var p = 0; p < k; p++, b += TileLanes)
        {
            var column = a[p] + offset;
            var b0 = TOps.Load(b);
            var x = TOps.Broadcast(column[0]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            x = TOps.Broadcast(column[1]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            x = TOps.Broadcast(column[2]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            x = TOps.Broadcast(column[3]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            x = TOps.Broadcast(column[4]);
            c40 = TOps.MultiplyAdd(x, b0, c40);
            x = TOps.Broadcast(column[5]);
            c50 = TOps.MultiplyAdd(x, b0, c50);
            x = TOps.Broadcast(column[6]);
            c60 = TOps.MultiplyAdd(x, b0, c60);
            x = TOps.Broadcast(column[7]);
            c70 = TOps.MultiplyAdd(x, b0, c70);
        }
        Finish1(c00, c, add);
        Finish1(c10, c + ldc, add);
        Finish1(c20, c + 2 * ldc, add);
        Finish1(c30, c + 3 * ldc, add);
        Finish1(c40, c + 4 * ldc, add);
        Finish1(c50, c + 5 * ldc, add);
        Finish1(c60, c + 6 * ldc, add);
        Finish1(c70, c + 7 * ldc, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TWidth>(TV c0, TV c1, TV c2, float* c, bool add) where TWidth : struct, ITileWidth
    {
        Finish1(c0, c, add);
        Finish1(c1, c + TOps.Count, add);
        if (TWidth.Third)
        {
            Finish1(c2, c + 2 * TOps.Count, add);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish1(TV sums, float* c, bool add) => TOps.Store(add ? TOps.Add(TOps.Load(c), sums) : sums, c);
}

/// <summary>How many of a tile's three vectors of lanes are computed, known when the tile is compiled.</summary>
internal interface ITileWidth
{
    /// <summary>Whether the third vector is.</summary>
    static abstract bool Third { get; }
}

/// <summary>All three.</summary>
internal readonly struct ThreeVectors : ITileWidth
{
    public static bool Third => true;
}

/// <summary>The first two: the last panel of 128 outputs, for one, has no more.</summary>
internal readonly struct TwoVectors : ITileWidth
{
    public static bool Third => false;
}
