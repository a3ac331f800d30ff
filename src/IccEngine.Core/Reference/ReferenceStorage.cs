using System.Numerics;

namespace IccEngine.Core;

/// <summary>A parameter of the naive backend: widened or rounded to <typeparamref name="T"/> once; from int8, scale * q.</summary>
internal sealed unsafe class ReferenceWeight<T> : Weight where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly T[] _values;

    private ReferenceWeight(HostTensor source, WeightFormat format, T[] values)
        : base(source.Name, source.DType, source.WeightShape(), format, values.LongLength * sizeof(T)) => _values = values;

    public static ReferenceWeight<T> Load(HostTensor source, WeightFormat format)
    {
        using var matrix = Int8Matrix.For(source, format);
        return matrix is null
            ? new ReferenceWeight<T>(source, WeightFormat.Stored, Widen(source))
            : new ReferenceWeight<T>(source, WeightFormat.Int8, Widen(matrix, source.WeightShape()));
    }

    public ReadOnlySpan<T> Values => _values;

    public override void Dispose() { }

    private static T[] Widen(Int8Matrix matrix, Shape shape)
    {
        var values = new T[shape.Elements];
        var row = new float[shape[1]];
        for (var r = 0; r < shape[0]; r++)
        {
            matrix.Dequantize(r, row);
            for (var i = 0; i < row.Length; i++)
            {
                values[r * row.Length + i] = T.CreateTruncating(row[i]);
            }
        }
        return values;
    }

    private static T[] Widen(HostTensor source)
    {
        // float64 files keep their digits only under double; everything else widens exactly.
        var values = new T[source.Elements];
        var buffer = new float[4096];
        for (var start = 0; start < values.Length; start += buffer.Length)
        {
            var count = Math.Min(buffer.Length, values.Length - start);
            if (source.DType == DType.F64)
            {
                for (var i = 0; i < count; i++)
                {
                    values[start + i] = T.CreateTruncating(BitConverter.ToDouble(source.Bytes((start + i) * 8L, 8)));
                }
                continue;
            }
            source.CopyTo(start, buffer.AsSpan(0, count));
            for (var i = 0; i < count; i++)
            {
                values[start + i] = T.CreateTruncating(buffer[i]);
            }
        }
        return values;
    }
}

/// <summary>The naive backend's cache: keys, then values, as [layers, pages, pageTokens, kvHeads, headDim].</summary>
internal sealed unsafe class ReferenceKvCache<T>(KvShape shape) : KvCache(shape) where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly long _half = (long)shape.Layers * shape.Pages * shape.PageTokens * shape.KvHeads * shape.HeadDim;
    private readonly HostBuffer _buffer = new(
        typeof(T) == typeof(float) ? DType.F32 : DType.F64,
        2L * shape.Layers * shape.Pages * shape.PageTokens * shape.KvHeads * shape.HeadDim);

    public (Memory Key, Memory Value) At(int layer, in SequenceRows sequence, int position, int kvHead)
    {
        var page = sequence.Pages.Span[position / Shape.PageTokens];
        var token = ((long)layer * Shape.Pages + page) * Shape.PageTokens + position % Shape.PageTokens;
        var element = (token * Shape.KvHeads + kvHead) * Shape.HeadDim;
        var address = (T*)_buffer.Address + element;
        return (new Memory(address, Shape.HeadDim), new Memory(address + _half, Shape.HeadDim));
    }

    /// <summary>Copies a page, in every layer.</summary>
    public void CopyPage(int from, int to)
    {
        Expect.Page(this, from, nameof(from));
        Expect.Page(this, to, nameof(to));
        var page = (long)Shape.PageTokens * Shape.KvHeads * Shape.HeadDim;
        for (long layer = 0; layer < 2 * Shape.Layers; layer++)
        {
            var first = (T*)_buffer.Address + layer * Shape.Pages * page;
            Buffer.MemoryCopy(first + from * page, first + to * page, page * sizeof(T), page * sizeof(T));
        }
    }

    public override void Dispose() => _buffer.Dispose();

    /// <summary>One head of one token [headDim].</summary>
    internal readonly struct Memory(T* address, int length)
    {
        private readonly T* _address = address;

        public static implicit operator Span<T>(Memory memory) => new(memory._address, memory.Length);

        private int Length { get; } = length;
    }
}
