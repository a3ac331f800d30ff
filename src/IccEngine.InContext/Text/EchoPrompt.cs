using System.Globalization;
using System.Text;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>
/// The prompt of a model trained in the echo style: "Clusters: k", every point as a line "[ a b ]", and "Labels:"; in the answer every
/// point comes again with its label behind it, so that only the labels are chosen.
/// </summary>
/// <remarks>
/// Numbers are normalised: the median of its feature is subtracted from each, then all are divided by the median of their absolute values
/// (where that is 0 by the mean, where that is 0 too by 1) and multiplied by <see cref="IccSpec.NormaliseTo"/>. They are printed with
/// <see cref="IccSpec.Decimals"/> decimals up to <see cref="IccSpec.WholeBeyond"/>, as whole numbers beyond (then at least one above it in
/// size), and clipped at <see cref="IccSpec.Clip"/>; ties go to even, and zero has no sign.
/// </remarks>
public sealed class EchoPrompt
{
    private EchoPrompt(string text, (int Start, int End)[] points, string[] forced, double[] normalised)
    {
        Text = text;
        Points = points;
        Forced = forced;
        Normalised = normalised;
    }

    /// <summary>The prompt, ending with a newline and "Labels:".</summary>
    public string Text { get; }

    /// <summary>Where every point stands in <see cref="Text"/>, in UTF-16 units, half-open: from the newline before its "[" through its " ]".</summary>
    public IReadOnlyList<(int Start, int End)> Points { get; }

    /// <summary>What the answer, forced, repeats before the label of every point: a newline and "[ a b ]".</summary>
    public IReadOnlyList<string> Forced { get; }

    /// <summary>The normalised points before printing, row by row: [n, d].</summary>
    public IReadOnlyList<double> Normalised { get; }

    /// <summary>Writes the prompt.</summary>
    /// <param name="spec">How the model wants it.</param>
    /// <param name="points">The points, row by row: [n, d].</param>
    /// <param name="count">The number of points, n.</param>
    /// <param name="features">The number of features, d.</param>
    /// <param name="clusters">The number of clusters, k.</param>
    /// <param name="reference">Points of as many features whose medians and scale are taken instead; empty: those of the points themselves.</param>
    /// <exception cref="IccArgumentException">No point, a number that is not finite, or k outside 1 to the smaller of n and what the model can name.</exception>
    public static EchoPrompt Create(
        IccSpec spec, ReadOnlySpan<double> points, int count, int features, int clusters, ReadOnlySpan<double> reference = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (count < 1 || features < 1 || (long)count * features != points.Length)
        {
            throw new IccArgumentException($"{points.Length} numbers for {count} points of {features} features; expected at least one of each, and their product");
        }
        if (clusters < 1 || clusters > Math.Min(count, spec.MaxClusters))
        {
            throw new IccArgumentException(
                $"the number of clusters must be from 1 to {Math.Min(count, spec.MaxClusters)} ({count} points, a model of at most {spec.MaxClusters} clusters), found {clusters}");
        }
        var normalised = Normalise(points, features, spec.NormaliseTo, reference);
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"Clusters: {clusters}"));
        var ranges = new (int Start, int End)[count];
        var pieces = new string[count];
        for (var i = 0; i < count; i++)
        {
            var piece = new StringBuilder("\n[");
            for (var f = 0; f < features; f++)
            {
                piece.Append(' ').Append(Print(normalised[(i * features) + f], spec));
            }
            pieces[i] = piece.Append(" ]").ToString();
            ranges[i] = (text.Length, text.Length + pieces[i].Length);
            text.Append(pieces[i]);
        }
        return new EchoPrompt(text.Append("\nLabels:").ToString(), ranges, pieces, normalised);
    }

    /// <summary>Median and scale are those of <paramref name="reference"/>, where it holds points.</summary>
    private static double[] Normalise(ReadOnlySpan<double> points, int features, double to, ReadOnlySpan<double> reference)
    {
        var values = points.ToArray();
        var bad = Array.FindIndex(values, v => !double.IsFinite(v));
        if (bad >= 0)
        {
            throw new IccArgumentException($"point {bad / features}, feature {bad % features}: expected a finite number, found {values[bad]}");
        }
        var sizes = reference.IsEmpty ? points.ToArray() : reference.ToArray();
        var column = new double[sizes.Length / features];
        for (var f = 0; f < features; f++)
        {
            for (var i = 0; i < column.Length; i++)
            {
                column[i] = sizes[(i * features) + f];
            }
            var median = Median(column);
            for (var i = 0; i < column.Length; i++)
            {
                sizes[(i * features) + f] = Math.Abs(sizes[(i * features) + f] - median);
            }
            for (var i = 0; i < values.Length / features; i++)
            {
                values[(i * features) + f] -= median;
                if (!double.IsFinite(values[(i * features) + f]))
                {
                    throw new IccArgumentException($"point {i}, feature {f}: {points[(i * features) + f]} is too far from the other points");
                }
            }
        }
        var scale = Median(sizes);
        scale = scale > 0 ? scale : sizes.Sum(s => s / sizes.Length);
        scale = scale > 0 ? scale : 1;
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = values[i] / scale * to;
        }
        return values;
    }

    /// <summary>The median; sorts its argument.</summary>
    private static double Median(double[] values)
    {
        Array.Sort(values);
        var middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    private static string Print(double value, IccSpec spec)
    {
        value = Math.Clamp(value, -spec.Clip, spec.Clip);
        var unit = Math.Pow(10, spec.Decimals);
        var steps = (long)Math.Round(value * unit, MidpointRounding.ToEven);
        if (Math.Abs(steps) <= spec.WholeBeyond * (long)unit)
        {
            return ((decimal)steps / (decimal)unit).ToString($"F{spec.Decimals}", CultureInfo.InvariantCulture);
        }
        var size = Math.Max((long)Math.Abs(Math.Round(value, MidpointRounding.ToEven)), spec.WholeBeyond + 1);
        return (value < 0 ? -size : size).ToString(CultureInfo.InvariantCulture);
    }
}
