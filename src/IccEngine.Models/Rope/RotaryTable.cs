using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>Cosines and sines of the rotary embedding for the rows of a batch.</summary>
internal sealed class RotaryTable
{
    private readonly ModelConfig _config;
    private readonly float[] _frequencies;
    private readonly float _attentionFactor;
    private readonly float[] _cos;
    private readonly float[] _sin;

    public RotaryTable(ModelConfig config, int maxRows)
    {
        _config = config;
        _frequencies = RopeFrequencies.InverseFrequencies(
            config.Rope, config.HeadDim, config.MaxPositionEmbeddings, config.MaxPositionEmbeddings, out _attentionFactor);
        _cos = new float[maxRows * _frequencies.Length];
        _sin = new float[maxRows * _frequencies.Length];
    }

    /// <summary>Fills the rows of one sequence.</summary>
    /// <param name="firstRow">First row in the batch.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="start">Position of the first row.</param>
    /// <param name="length">
    /// Tokens of the whole sequence once the call at hand is done: dynamic scaling looks at it, and keys that lie in the cache keep the
    /// rotation they were stored with.
    /// </param>
    public void Fill(int firstRow, int rows, int start, int length)
    {
        var frequencies = _config.Rope.Type == RopeType.Dynamic
            ? RopeFrequencies.InverseFrequencies(_config.Rope, _config.HeadDim, _config.MaxPositionEmbeddings, length, out _)
            : _frequencies;
        var half = frequencies.Length;
        for (var r = 0; r < rows; r++)
        {
            for (var i = 0; i < half; i++)
            {
                // The reference multiplies in float32: at long positions this rounding is part of its numbers.
                var angle = (start + r) * frequencies[i];
                var (sine, cosine) = Math.SinCos(angle);
                _cos[(firstRow + r) * half + i] = (float)cosine * _attentionFactor;
                _sin[(firstRow + r) * half + i] = (float)sine * _attentionFactor;
            }
        }
    }

    /// <summary>Hands the first <paramref name="rows"/> rows to the backend.</summary>
    public void Upload(IBackend backend, Tensor cos, Tensor sin, int rows)
    {
        var count = rows * _frequencies.Length;
        backend.Write(_cos.AsSpan(0, count), cos.Rows(0, rows));
        backend.Write(_sin.AsSpan(0, count), sin.Rows(0, rows));
    }
}
