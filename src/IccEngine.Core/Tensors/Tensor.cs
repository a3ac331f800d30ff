namespace IccEngine.Core;

/// <summary>Memory of one backend, of one element type. Only the backend that made it can read or write it.</summary>
public abstract class DeviceBuffer : IDisposable
{
    /// <summary>A buffer of <paramref name="elements"/> elements.</summary>
    protected DeviceBuffer(DType dtype, long elements) => (DType, Elements) = (dtype, elements);

    /// <summary>Element type.</summary>
    public DType DType { get; }

    /// <summary>Number of elements.</summary>
    public long Elements { get; }

    /// <summary>Gives the memory back; no tensor over it may be used afterwards.</summary>
    public abstract void Dispose();
}

/// <summary>
/// A dense row-major view of a buffer. A value: taking rows of one or giving it another shape allocates nothing and copies nothing.
/// </summary>
public readonly struct Tensor
{
    /// <summary>A view of <paramref name="buffer"/> from element <paramref name="offset"/> on.</summary>
    /// <exception cref="ArgumentException">The view reaches beyond the buffer.</exception>
    public Tensor(DeviceBuffer buffer, long offset, Shape shape)
    {
        if (offset < 0 || offset + shape.Elements > buffer.Elements)
        {
            throw new ArgumentException($"a view {shape} from {offset} does not lie in a buffer of {buffer.Elements} elements");
        }
        (Buffer, Offset, Shape) = (buffer, offset, shape);
    }

    /// <summary>The memory.</summary>
    public DeviceBuffer Buffer { get; }

    /// <summary>First element in the buffer.</summary>
    public long Offset { get; }

    /// <summary>Extents.</summary>
    public Shape Shape { get; }

    /// <summary>Element type.</summary>
    public DType DType => Buffer.DType;

    /// <summary>Whether this is the default value, which views nothing: how an optional tensor is left out.</summary>
    public bool IsEmpty => Buffer is null;

    /// <summary>Entries [first, first + count) along the first dimension.</summary>
    public Tensor Rows(int first, int count)
    {
        if (first < 0 || count < 0 || first > Shape[0] - count)
        {
            throw new ArgumentOutOfRangeException(nameof(first), $"rows {first}..{first + count} of {Shape}");
        }
        return new Tensor(Buffer, Offset + first * Shape.RowElements, Shape.Rows(count));
    }

    /// <summary>One entry along the first dimension, which the result no longer has.</summary>
    public Tensor Row(int index) => new(Buffer, Rows(index, 1).Offset, Shape.Tail);

    /// <summary>The same elements under another shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ in their number of elements.</exception>
    public Tensor Reshape(Shape shape) => shape.Elements == Shape.Elements
        ? new Tensor(Buffer, Offset, shape)
        : throw new ArgumentException($"{Shape} cannot be seen as {shape}");
}
