namespace IccEngine.Core;

/// <summary>
/// A parameter as a backend holds it: handed over once, kept in the type of its file (or packed as the backend likes) and read only
/// by the operations of that backend.
/// </summary>
public abstract class Weight : IDisposable
{
    /// <summary>A parameter of the given type and shape.</summary>
    protected Weight(string name, DType dtype, Shape shape, WeightFormat format, long bytes) =>
        (Name, DType, Shape, Format, Bytes) = (name, dtype, shape, format, bytes);

    /// <summary>Name in the checkpoint, for messages.</summary>
    public string Name { get; }

    /// <summary>Element type in the file: F32, BF16, F16 or F64.</summary>
    public DType DType { get; }

    /// <summary>[out, in] for a linear layer, [vocab, hidden] for an embedding, [n] for a norm or a bias.</summary>
    public Shape Shape { get; }

    /// <summary>Whether it is held in the type of its file.</summary>
    public WeightFormat Format { get; }

    /// <summary>Bytes that the backend holds, scales included: what an operation that needs all of it reads.</summary>
    public long Bytes { get; }

    /// <summary>Gives back what the backend made for it (never the mapped file).</summary>
    public abstract void Dispose();
}
