namespace IccEngine.Core;

/// <summary>One allocation that is handed out piece by piece and given back all at once: what a forward pass works in.</summary>
public sealed class Arena : IDisposable
{
    private readonly Tensor _all;
    private long _used;

    /// <summary>Takes memory for <paramref name="elements"/> elements of the backend's activation type.</summary>
    /// <exception cref="IccMemoryException">There is not enough memory.</exception>
    public Arena(IBackend backend, long elements)
    {
        const int row = 4096;
        _all = backend.Allocate(new Shape(checked((int)((elements + row - 1) / row)), row));
    }

    /// <summary>A tensor from the free part; its content is whatever was there.</summary>
    /// <exception cref="InvalidOperationException">The arena was made too small.</exception>
    public Tensor Take(Shape shape)
    {
        const int alignment = 16; // elements: a cache line of float32
        var next = _used + (shape.Elements + alignment - 1) / alignment * alignment;
        if (next > _all.Shape.Elements)
        {
            throw new InvalidOperationException($"the arena of {_all.Shape.Elements} elements has no room for {shape}");
        }
        var tensor = new Tensor(_all.Buffer, _used, shape);
        _used = next;
        return tensor;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _all.Buffer.Dispose();
}
