using System.Runtime.Intrinsics;

namespace IccEngine.Core;

/// <summary>
/// A matrix [rows, columns] in <see cref="WeightFormat.Int8"/>: values [rows, groups * 32] with zeros behind the last column, and scales
/// [rows, groups] as float16. All backends take their integers from here, so that they have the same. An integer is w divided by the scale
/// as it is stored and rounded to the nearest, so that no weight is off by more than half of its group's scale; the product of scale and
/// integer is exact in float32.
/// </summary>
internal sealed unsafe class Int8Matrix : IDisposable
{
    /// <summary>Columns that share a scale.</summary>
    public const int Group = 32;

    private const int Largest = 127;
    private const int Piece = 32 * Group; // elements that are widened at once
    private readonly HostBuffer _values;
    private readonly HostBuffer _scales;
    private readonly int _columns;

    private Int8Matrix(int rows, int columns)
    {
        (_columns, Groups) = (columns, GroupsOf(columns));
        _values = new HostBuffer(DType.I8, (long)rows * Groups * Group);
        try
        {
            _scales = new HostBuffer(DType.F16, (long)rows * Groups);
        }
        catch
        {
            _values.Dispose();
            throw;
        }
    }

    /// <summary>Groups of a row.</summary>
    public int Groups { get; }

    /// <summary>[rows, groups * 32], on a cache line; 0 once it was given back.</summary>
    public sbyte* Values => (sbyte*)_values.Address;

    /// <summary>[rows, groups], the bits of float16; 0 once it was given back.</summary>
    public ushort* Scales => (ushort*)_scales.Address;

    /// <summary>Bytes of the values.</summary>
    public long ValueBytes => _values.Elements;

    /// <summary>Bytes of the scales.</summary>
    public long ScaleBytes => DType.F16.Bytes(_scales.Elements);

    /// <summary>Groups of a row of so many columns.</summary>
    public static int GroupsOf(int columns) => (columns + Group - 1) / Group;

    /// <summary>The quantised form of a tensor that is to be held so, else null: vectors stay as they are.</summary>
    /// <exception cref="IccUnsupportedException">A matrix of float64, or one with a number that is not finite or beyond the scales.</exception>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public static Int8Matrix? For(HostTensor source, WeightFormat format)
    {
        var shape = source.WeightShape();
        if (format == WeightFormat.Stored || shape.Rank == 1)
        {
            return null;
        }
        if (source.DType == DType.F64)
        {
            throw new IccUnsupportedException($"tensor {source.Name}: F64 is not quantised to int8; expected F32, BF16 or F16");
        }
        var matrix = new Int8Matrix(shape[0], shape[1]);
        var result = Parallel.For(0, shape[0], (row, state) =>
        {
            if (!matrix.TakeRow(source, row))
            {
                state.Break();
            }
        });
        if (result.LowestBreakIteration is { } refused)
        {
            matrix.Dispose();
            throw Refusal(source, refused, shape[1]);
        }
        (source.Owner as MappedFile)?.Forget(source.Address, source.ByteLength);
        return matrix;
    }

    /// <summary>scale * q of a row.</summary>
    public void Dequantize(int row, Span<float> destination)
    {
        var values = Values + (long)row * Groups * Group;
        var scales = Scales + (long)row * Groups;
        for (var column = 0; column < _columns; column++)
        {
            destination[column] = values[column] * (float)BitConverter.UInt16BitsToHalf(scales[column / Group]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _values.Dispose();
        _scales.Dispose();
    }

    /// <summary>Quantises a row, or says that it cannot be.</summary>
    private bool TakeRow(HostTensor source, int row)
    {
        var piece = stackalloc float[Piece];
        var values = Values + (long)row * Groups * Group;
        var scales = Scales + (long)row * Groups;
        for (var column = 0; column < _columns; column += Piece)
        {
            var wide = new Span<float>(piece, Piece);
            var count = Math.Min(Piece, _columns - column);
            source.CopyTo((long)row * _columns + column, wide[..count]);
            wide[count..].Clear();
            for (var i = 0; i < count; i += Group)
            {
                if (!TakeGroup(piece + i, values + column + i, scales + (column + i) / Group))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static bool TakeGroup(float* w, sbyte* values, ushort* scale)
    {
        var (a, b, c, d) = (Vector256.Load(w), Vector256.Load(w + 8), Vector256.Load(w + 16), Vector256.Load(w + 24));
        var lanes = Vector256.Max(Vector256.Max(Vector256.Abs(a), Vector256.Abs(b)), Vector256.Max(Vector256.Abs(c), Vector256.Abs(d)));
        var max = 0f;
        for (var i = 0; i < Vector256<float>.Count; i++)
        {
            max = MathF.Max(max, lanes[i]); // NaN where one of them is
        }
        if (!(max <= Largest * (float)Half.MaxValue))
        {
            return false;
        }
        var half = (Half)(max / Largest);
        if ((float)half * (Largest + 0.5f) < max)
        {
            half = Half.BitIncrement(half); // a subnormal that was rounded down too far
        }
        *scale = BitConverter.HalfToUInt16Bits(half);
        if (max == 0)
        {
            Vector256<sbyte>.Zero.Store(values);
            return true;
        }
        var step = Vector256.Create((float)half);
        Vector256.Narrow(
            Vector256.Narrow(Rounded(a, step), Rounded(b, step)), Vector256.Narrow(Rounded(c, step), Rounded(d, step))).Store(values);
        return true;
    }

    private static Vector256<int> Rounded(Vector256<float> w, Vector256<float> step)
    {
        var limit = Vector256.Create((float)Largest);
        return Vector256.ConvertToInt32(Vector256.Min(Vector256.Max(Vector256.Round(w / step), -limit), limit));
    }

    private static IccUnsupportedException Refusal(HostTensor source, long row, int columns)
    {
        Span<float> value = stackalloc float[1];
        for (var column = 0; column < columns; column++)
        {
            source.CopyTo(row * columns + column, value);
            if (!(MathF.Abs(value[0]) <= Largest * (float)Half.MaxValue))
            {
                return new IccUnsupportedException(
                    FormattableString.Invariant($"tensor {source.Name}: [{row}, {column}] is {value[0]}; int8 takes numbers up to {Largest * (float)Half.MaxValue:0}"));
            }
        }
        throw new InvalidOperationException($"tensor {source.Name}: row {row} changed while it was read");
    }
}
