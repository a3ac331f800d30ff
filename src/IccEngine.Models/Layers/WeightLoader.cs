using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>Hands tensors of a checkpoint to a backend, checks their shapes, and owns the weights.</summary>
internal sealed class WeightLoader(Checkpoint checkpoint, IBackend backend) : IDisposable
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
        var weight = backend.LoadWeight(tensor);
        _weights.Add(weight);
        Telemetry.AddWeights(tensor.ByteLength);
        return weight;
    }

    public void Dispose() => _weights.ForEach(w => w.Dispose());
}
