using System.Globalization;
using System.Runtime.InteropServices;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>A square matrix between points, from a safetensors file.</summary>
/// <param name="File">The file.</param>
/// <param name="Name">The tensor.</param>
/// <param name="Points">Number of points n.</param>
/// <param name="Values">[n, n] row-major, finite.</param>
internal sealed record AffinityFile(string File, string Name, int Points, double[] Values)
{
    private const int MostNames = 20;
    private const int ValuesAtOnce = 1 << 20;

    /// <summary>File and tensor, for messages.</summary>
    public string Place => $"{File}: tensor '{Name}'";

    /// <summary>Reads FILE.safetensors:name; the name begins behind the first colon up to which the text is a file.</summary>
    /// <param name="source">File and name.</param>
    /// <param name="layer">Entry along the first dimension of a tensor [layers, n, n]; null for a matrix.</param>
    /// <param name="nonNegative">Whether entries below 0 are refused.</param>
    /// <exception cref="IccFormatException">A missing or malformed file, a tensor of another name, shape or type, an entry that cannot be.</exception>
    /// <exception cref="IccArgumentException">A layer is missing, not there, or one too many.</exception>
    public static AffinityFile Read(string source, int? layer, bool nonNegative)
    {
        var colon = source.IndexOf(':', StringComparison.Ordinal);
        while (colon >= 0 && !System.IO.File.Exists(source[..colon]))
        {
            colon = source.IndexOf(':', colon + 1);
        }
        // No part of it is a file: what stands before the last colon is named in the error.
        var last = source.LastIndexOf(':');
        var end = colon >= 0 ? colon : System.IO.File.Exists(source) || last < 0 ? source.Length : last;
        var (path, name) = (source[..end], end < source.Length ? source[(end + 1)..] : "");
        using var file = SafeTensorsFile.Open(path);
        if (!file.TryGet(name, out var tensor))
        {
            throw new IccFormatException(path, $"{(name.Length == 0 ? "no tensor is named" : $"tensor '{OneLine(name)}': not in the file")}; "
                + $"expected {path}:NAME with one of {Names(file)}");
        }
        var (n, first) = Part(path, tensor, layer);
        var values = new double[n * n];
        Copy(path, tensor, first, values, nonNegative);
        return new AffinityFile(path, name, n, values);
    }

    /// <summary>Number of points, and the first element of the matrix.</summary>
    private static (int Points, long First) Part(string path, HostTensor tensor, int? layer)
    {
        var (shape, rank) = (tensor.Extents, tensor.Extents.Count);
        var place = $"{path}: tensor '{tensor.Name}'";
        var text = $"[{string.Join(", ", shape)}]";
        if (rank is not (2 or 3) || shape[^1] != shape[^2] || shape[^1] is < 2 or > AttentionClusterer.MaxPoints)
        {
            throw new IccFormatException(
                path, $"tensor '{tensor.Name}': found {text}, expected [n, n] or [layers, n, n] with n from 2 to {AttentionClusterer.MaxPoints}");
        }
        if (rank == 2 && layer is not null)
        {
            throw new IccArgumentException($"{place}: layer {layer} of {text}; a layer is chosen of [layers, n, n] only");
        }
        if (rank == 3 && (layer is null || layer < 0 || layer >= shape[0]))
        {
            throw new IccArgumentException(
                $"{place}: {(layer is null ? "no layer" : $"layer {layer}")} of {text}; expected a layer from 0 to {shape[0] - 1}");
        }
        return ((int)shape[^1], (layer ?? 0) * shape[^1] * shape[^1]);
    }

    private static void Copy(string path, HostTensor tensor, long first, double[] values, bool nonNegative)
    {
        if (tensor.DType is not (DType.F64 or DType.F32 or DType.F16 or DType.BF16))
        {
            throw new IccFormatException(path, $"tensor '{tensor.Name}': found {tensor.DType}, expected F64, F32, F16 or BF16");
        }
        var n = (int)tensor.Extents[^1];
        var singles = new float[Math.Min(values.Length, ValuesAtOnce)];
        for (var at = 0; at < values.Length; at += ValuesAtOnce)
        {
            var part = values.AsSpan(at, Math.Min(ValuesAtOnce, values.Length - at));
            if (tensor.DType == DType.F64)
            {
                tensor.Bytes((first + at) * sizeof(double), part.Length * sizeof(double)).CopyTo(MemoryMarshal.AsBytes(part));
            }
            else
            {
                tensor.CopyTo(first + at, singles.AsSpan(0, part.Length));
                for (var i = 0; i < part.Length; i++)
                {
                    part[i] = singles[i];
                }
            }
            for (var i = 0; i < part.Length; i++)
            {
                if (!double.IsFinite(part[i]) || (nonNegative && part[i] < 0))
                {
                    throw new IccFormatException(path, string.Create(CultureInfo.InvariantCulture, $"tensor '{tensor.Name}', row {(at + i) / n}, "
                        + $"column {(at + i) % n}: found {part[i]}, expected a finite number{(nonNegative ? ", not below 0" : "")}"));
                }
            }
        }
    }

    private static string Names(SafeTensorsFile file)
    {
        var names = string.Join(", ", file.Tensors.Take(MostNames).Select(t => $"{OneLine(t.Name)} [{string.Join(", ", t.Extents)}]"));
        return file.Tensors.Count == 0 ? "its tensors, of which there are none"
            : file.Tensors.Count <= MostNames ? names : $"{names} and {file.Tensors.Count - MostNames} more";
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
