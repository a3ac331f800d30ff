namespace IccEngine.Core;

/// <summary>How a backend holds the matrices of a model; vectors (norms and biases) stay as they are.</summary>
public enum WeightFormat
{
    /// <summary>In the type of the file.</summary>
    Stored,

    /// <summary>
    /// 8-bit integers with a scale for every 32 along the inputs, symmetric, as llama.cpp's Q8_0: w is about scale * q, q from -127 to 127,
    /// scale (float16) the group's largest |w| / 127. 34 bytes for 32 weights: 1.0625 a weight.
    /// </summary>
    Int8,
}
