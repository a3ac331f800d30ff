namespace IccEngine.Cpu;

/// <summary>
/// The vector operations that the kernels are written in, once for every instruction set. <typeparamref name="TV"/> is the vector
/// itself (Vector512, Vector256 or a plain float), so that the compiler keeps it in a register; all members are compiled inline.
/// </summary>
/// <typeparam name="TV">A vector of <see cref="Count"/> float32.</typeparam>
internal unsafe interface IVectorOps<TV> where TV : unmanaged
{
    /// <summary>Lanes of a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Rows of the largest register tile (of three vectors each) that the registers hold: 8 or 4.</summary>
    static abstract int TileRows { get; }

    static abstract TV Zero { get; }

    static abstract TV Load(float* source);

    /// <summary>Widens <see cref="Count"/> bfloat16.</summary>
    static abstract TV LoadBF16(ushort* source);

    /// <summary>Widens <see cref="Count"/> IEEE half floats; subnormals, infinities and NaN as IEEE has them.</summary>
    static abstract TV LoadF16(ushort* source);

    /// <summary>Widens the bfloat16 in the lower halves of the lanes.</summary>
    static abstract TV FirstBF16(TV pairs);

    /// <summary>Widens the bfloat16 in the upper halves of the lanes.</summary>
    static abstract TV SecondBF16(TV pairs);

    /// <summary>Widens the IEEE half floats in the lower halves of the lanes.</summary>
    static abstract TV FirstF16(TV pairs);

    /// <summary>Widens the IEEE half floats in the upper halves of the lanes.</summary>
    static abstract TV SecondF16(TV pairs);

    /// <summary>Widens <see cref="Count"/> 8-bit integers.</summary>
    static abstract TV LoadI8(sbyte* source);

    static abstract void Store(TV vector, float* destination);

    static abstract TV Broadcast(float value);

    static abstract TV Add(TV a, TV b);

    static abstract TV Subtract(TV a, TV b);

    static abstract TV Multiply(TV a, TV b);

    static abstract TV Divide(TV a, TV b);

    /// <summary>a * b + c, fused where the instruction set fuses.</summary>
    static abstract TV MultiplyAdd(TV a, TV b, TV c);

    /// <summary>The larger; where one of them is NaN: <paramref name="b"/>.</summary>
    static abstract TV Max(TV a, TV b);

    /// <summary>The smaller; where one of them is NaN: <paramref name="b"/>.</summary>
    static abstract TV Min(TV a, TV b);

    /// <summary>The nearest whole number, ties to even; for |x| below 2^22.</summary>
    static abstract TV Round(TV x);

    /// <summary>x * 2^n for whole n in [-160, 160] and x in [0.5, 2), with one rounding where the result is subnormal.</summary>
    static abstract TV Scale(TV x, TV n);

    /// <summary>x where first &lt;= key &lt;= last, else minus infinity.</summary>
    static abstract TV Within(TV first, TV key, TV last, TV x);

    /// <summary>Whether a &gt; b in any lane.</summary>
    static abstract bool AnyGreater(TV a, TV b);

    /// <summary>Sum of the lanes, in an order of the instruction set's own.</summary>
    static abstract float Sum(TV x);

    /// <summary>The largest lane.</summary>
    static abstract float Largest(TV x);

    /// <summary>Transposes a square of <see cref="Count"/> rows; strides in elements. The squares do not overlap.</summary>
    static abstract void Transpose(float* source, nint sourceStride, float* destination, nint destinationStride);
}
