namespace IccEngine.Core;

/// <summary>
/// A parameter as a backend holds it: handed over once, kept in the type of its file (or packed as the backend likes) and read only
/// by the operations of that backend.
/// </summary>
public abstract class Weight : IDisposable
{
    /// <summary>A parameter of the given type and shape.</summary>
    protected Weight(string name, DType dtype, Shape shape) => (Name, DType, Shape) = (name, dtype, shape);

    /// <summary>Name in the checkpoint, for messages.</summary>
    public string Name { get; }

    /// <summary>Stored element type: F32, BF16, F16 or F64.</summary>
    public DType DType { get; }

    /// <summary>[out, in] for a linear layer, [vocab, hidden] for an embedding, [n] for a norm or a bias.</summary>
    public Shape Shape { get; }

    /// <summary>Gives back what the backend made for it (never the mapped file).</summary>
    public abstract void Dispose();
}
