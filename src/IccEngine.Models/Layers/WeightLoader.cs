using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>Hands tensors of a checkpoint to a backend, checks their shapes, and owns the weights.</summary>
internal sealed class WeightLoader(Checkpoint checkpoint, IBackend backend, WeightFormat format) : IDisposable
{
    private readonly List<Weight> _weights = [];

    public Weight Load(string name, params long[] extents)
    {
        var tensor = checkpoint.Get(name);
        if (!tensor.Extents.SequenceEqual(extents))
        {
            throw new IccFormatException(
                checkpoint.Path,
                $"tensor {name}: extents [{string.Join(", ", tensor.Extents)}], expected [{string.Join(", ", extents)}] by config.json");
        }
        Weight weight;
        try
        {
            weight = backend.LoadWeight(tensor, format);
        }
        catch (IccUnsupportedException e)
        {
            throw new IccUnsupportedException($"{checkpoint.Path}: {e.Message}");
        }
        _weights.Add(weight);
        Telemetry.AddWeights(tensor.ByteLength);
        return weight;
    }

    /// <summary>Bytes of the matrices that were loaded, as the backend holds them.</summary>
    public long MatrixBytes => _weights.Where(w => w.Shape.Rank == 2).Sum(w => w.Bytes);

    public void Dispose() => _weights.ForEach(w => w.Dispose());
}
