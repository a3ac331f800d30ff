using IccEngine.Core;

namespace IccEngine;

/// <summary>How the matrices of a model are held in memory.</summary>
public static class Quantization
{
    /// <summary>
    /// none: in the type of the file; int8: 8-bit integers with a float16 scale for every 32 inputs, made while the model is opened
    /// (1.0625 bytes a weight, as llama.cpp's Q8_0). What is computed stays float32.
    /// </summary>
    public static IReadOnlyList<string> Names { get; } = ["none", "int8"];

    /// <summary>The format of a name.</summary>
    /// <exception cref="IccArgumentException">There is no such name.</exception>
    internal static WeightFormat FormatOf(string name) => name switch
    {
        "none" => WeightFormat.Stored,
        "int8" => WeightFormat.Int8,
        _ => throw new IccArgumentException($"quantize '{name}'; expected {string.Join(" or ", Names)}"),
    };
}
