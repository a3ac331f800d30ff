using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.Models;

namespace IccEngine;

/// <summary>What happens inside a model, as a safetensors file that any other program can compare with.</summary>
public static class InspectionFile
{
    /// <summary>Runs a prompt and writes what was asked for: input_ids, logits, hidden.*, attn.*, pool0.*.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">What to look at.</param>
    /// <param name="path">The file; written whole or not at all.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>Names and extents of the tensors.</returns>
    /// <exception cref="IccArgumentException">A token, span, layer or head that does not exist.</exception>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<(string Name, IReadOnlyList<long> Extents)> Write(
        IccModel model, InspectRequest request, string path, CancellationToken cancellation = default)
    {
        AtomicFile.CheckPlace(path);
        var tensors = ModelInspector.Run(model.Model, request, cancellation).Select(t => HostTensor.FromArray(t.Name, t.Values, t.Extents))
            .Prepend(HostTensor.FromArray("input_ids", [.. request.Ids.Select(id => (long)id)], request.Ids.Count)).ToList();
        SafeTensorsWriter.Write(path, tensors.Select(t => SafeTensorsItem.From(t)));
        return [.. tensors.Select(t => (t.Name, t.Extents))];
    }
}
