using IccEngine.Formats;

namespace IccEngine.Models;

/// <summary>
/// The inverse frequencies of the rotary embedding. The rules and the order of the float32 operations are those of
/// modeling_rope_utils.py in the transformers library, so that angles agree at long positions too.
/// </summary>
public static class RopeFrequencies
{
    /// <summary>The angle by which each pair turns from one position to the next, in radians.</summary>
    /// <param name="rope">The model's rotary embedding.</param>
    /// <param name="headDim">Width of one head; even.</param>
    /// <param name="maxPositionEmbeddings">The model's context length in tokens (dynamic).</param>
    /// <param name="sequenceLength">Length of the whole sequence so far, cached tokens included (dynamic).</param>
    /// <param name="attentionFactor">Factor on cosine and sine.</param>
    /// <returns>[headDim / 2]</returns>
    public static float[] InverseFrequencies(RopeConfig rope, int headDim, int maxPositionEmbeddings, long sequenceLength,
        out float attentionFactor)
    {
        attentionFactor = rope.Type == RopeType.Yarn ? (float)YarnAttentionFactor(rope) : 1;
        switch (rope.Type)
        {
            case RopeType.Linear:
                var linear = Plain(rope.Theta, headDim);
                for (var i = 0; i < linear.Length; i++)
                {
                    linear[i] /= (float)rope.Factor;
                }
                return linear;
            case RopeType.Dynamic:
                return Plain(DynamicBase(rope, headDim, maxPositionEmbeddings, sequenceLength), headDim);
            case RopeType.Yarn:
                return Yarn(rope, headDim);
            case RopeType.Llama3:
                return Llama3(rope, headDim);
            default:
                return Plain(rope.Theta, headDim);
        }
    }

    /// <summary>base^(2 i / d) for each pair i.</summary>
    private static float[] Powers(double theta, int headDim)
    {
        var powers = new float[headDim / 2];
        for (var i = 0; i < powers.Length; i++)
        {
            powers[i] = MathF.Pow((float)theta, 2f * i / headDim);
        }
        return powers;
    }

    private static float[] Plain(double theta, int headDim)
    {
        var frequencies = Powers(theta, headDim);
        for (var i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = 1f / frequencies[i];
        }
        return frequencies;
    }

    /// <summary>base * (factor n / m - (factor - 1))^(d / (d - 2)) with n = max(length, m): the base at the trained length is kept.</summary>
    private static double DynamicBase(RopeConfig rope, int headDim, int maxPositionEmbeddings, long sequenceLength)
    {
        var n = Math.Max(sequenceLength, maxPositionEmbeddings);
        var stretch = rope.Factor * n / maxPositionEmbeddings - (rope.Factor - 1);
        return rope.Theta * Math.Pow(stretch, headDim / (headDim - 2.0));
    }

    private static float[] Llama3(RopeConfig rope, int headDim)
    {
        var frequencies = Plain(rope.Theta, headDim);
        var (factor, low, high) = ((float)rope.Factor, (float)rope.LowFreqFactor, (float)rope.HighFreqFactor);
        float original = rope.OriginalMaxPositionEmbeddings;
        var longest = (float)(rope.OriginalMaxPositionEmbeddings / rope.LowFreqFactor);
        var shortest = (float)(rope.OriginalMaxPositionEmbeddings / rope.HighFreqFactor);
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = frequencies[i];
            var wavelength = (float)(2 * Math.PI) / frequency;
            if (wavelength > longest)
            {
                frequencies[i] = frequency / factor;
            }
            else if (wavelength >= shortest)
            {
                var smooth = (original / wavelength - low) / (float)(rope.HighFreqFactor - rope.LowFreqFactor);
                frequencies[i] = (1 - smooth) * frequency / factor + smooth * frequency;
            }
        }
        return frequencies;
    }

    private static float[] Yarn(RopeConfig rope, int headDim)
    {
        var powers = Powers(rope.Theta, headDim);
        var low = CorrectionDim(rope, headDim, rope.BetaFast);
        var high = CorrectionDim(rope, headDim, rope.BetaSlow);
        if (rope.Truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }
        (low, high) = (Math.Max(low, 0), Math.Min(high, headDim - 1));
        if (low == high)
        {
            high += 0.001;
        }
        for (var i = 0; i < powers.Length; i++)
        {
            var ramp = Math.Clamp((i - (float)low) / (float)(high - low), 0f, 1f);
            var kept = 1 - ramp;
            powers[i] = 1f / ((float)rope.Factor * powers[i]) * (1 - kept) + 1f / powers[i] * kept;
        }
        return powers;
    }

    /// <summary>The (real) pair that makes that many rotations over the original length.</summary>
    private static double CorrectionDim(RopeConfig rope, int headDim, double rotations) =>
        headDim * Math.Log(rope.OriginalMaxPositionEmbeddings / (rotations * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));

    private static double YarnAttentionFactor(RopeConfig rope)
    {
        if (rope.AttentionFactor is { } given)
        {
            return given;
        }
        return rope is { Mscale: { } scale, MscaleAllDim: { } all }
            ? YarnScale(rope.Factor, scale) / YarnScale(rope.Factor, all)
            : YarnScale(rope.Factor, 1);
    }

    private static double YarnScale(double factor, double mscale) => factor <= 1 ? 1 : 0.1 * mscale * Math.Log(factor) + 1;
}
