using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.Testing;

/// <summary>
/// What int8 may do to a model, without any of its code: every weight of a matrix is moved by a random part of up to half of the step
/// that its group of 32 inputs has (largest |w| / 127), as rounding to the nearest step moves it.
/// </summary>
public static class RoundingNoise
{
    private const int Group = 32;
    private const float Steps = 127;

    /// <summary>Writes the moved weights, as float32, to model.safetensors of a folder.</summary>
    public static void Write(Checkpoint checkpoint, string folder, int seed)
    {
        var random = new Random(seed);
        SafeTensorsWriter.Write(
            Path.Combine(folder, Checkpoint.SingleName),
            checkpoint.Tensors.Select(t => SafeTensorsItem.From(t.Extents.Count == 2 ? Moved(t, random) : t)));
    }

    /// <summary>Root of the mean square of the differences.</summary>
    public static double Rms(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        }
        return Math.Sqrt(sum / a.Length);
    }

    private static HostTensor Moved(HostTensor matrix, Random random)
    {
        var values = matrix.ToSingles();
        var columns = (int)matrix.Extents[1];
        for (var start = 0; start < values.Length;)
        {
            var end = Math.Min(start + Group, (start / columns + 1) * columns);
            var step = values[start..end].Max(MathF.Abs) / Steps;
            for (var i = start; i < end; i++)
            {
                values[i] += step * (random.NextSingle() - 0.5f);
            }
            start = end;
        }
        return HostTensor.FromArray(matrix.Name, values, [.. matrix.Extents]);
    }
}
