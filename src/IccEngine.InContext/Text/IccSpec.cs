using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.InContext;

/// <summary>What a model was trained on; null where its file does not say.</summary>
/// <param name="MinClusters">Least number of clusters.</param>
/// <param name="MaxClusters">Greatest number of clusters.</param>
/// <param name="MinFeatures">Least number of features.</param>
/// <param name="MaxFeatures">Greatest number of features.</param>
/// <param name="MinPoints">Least number of points of one prompt.</param>
/// <param name="MaxPoints">Greatest number of points of one prompt.</param>
public sealed record TrainedRanges(int? MinClusters, int? MaxClusters, int? MinFeatures, int? MaxFeatures, int? MinPoints, int? MaxPoints);

/// <summary>
/// The file icc.json beside a model that was trained for clustering: how its prompt is written, what it was trained on, and which
/// layer's attention shows the clusters. Keys besides these are left alone.
/// </summary>
public sealed record IccSpec
{
    /// <summary>The one prompt style there is: every point, then every point again with its label behind it.</summary>
    public const string EchoStyle = "echo";

    /// <summary>Name of the style; <see cref="EchoStyle"/>.</summary>
    public required string PromptStyle { get; init; }

    /// <summary>The greatest number of clusters that the vocabulary can name; 1 to 1000.</summary>
    public required int MaxClusters { get; init; }

    /// <summary>What the model was trained on.</summary>
    public required TrainedRanges Trained { get; init; }

    /// <summary>What the median of the absolute values becomes when points are normalised; above 0.</summary>
    public required double NormaliseTo { get; init; }

    /// <summary>Decimals of printed numbers; 0 to 6.</summary>
    public required int Decimals { get; init; }

    /// <summary>Numbers beyond this size are printed without decimals; 0 to <see cref="Clip"/> - 1.</summary>
    public required int WholeBeyond { get; init; }

    /// <summary>The greatest size of a printed number; at most 1000000.</summary>
    public required int Clip { get; init; }

    /// <summary>The layer whose pooled attention shows the clusters, from 0.</summary>
    public required int SpectralLayer { get; init; }

    /// <summary>Orders of the points whose affinities are averaged; 1 where the file does not say.</summary>
    public int Permutations { get; init; } = 1;

    /// <summary>
    /// Points of one prompt where there are more than the model was trained on; where the file does not say, as many as it was trained on.
    /// </summary>
    public required int Subset { get; init; }

    /// <summary>How often points are right of which the model's answers have a confidence; null where the file does not say.</summary>
    public ConfidenceCalibration? Calibration { get; init; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Path of icc.json.</param>
    /// <exception cref="IccFormatException">The file cannot be read, or is no such file.</exception>
    /// <exception cref="IccUnsupportedException">It asks for a prompt style or a normalisation that is not known.</exception>
    public static IccSpec Load(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IccFormatException(path, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads the bytes of a file.</summary>
    /// <param name="json">The file, in UTF-8.</param>
    /// <param name="file">What errors call the file.</param>
    /// <exception cref="IccFormatException">No such file; the message names the key.</exception>
    /// <exception cref="IccUnsupportedException">It asks for a prompt style or a normalisation that is not known.</exception>
    public static IccSpec Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(new SpecReader(file, document.RootElement, ""));
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new IccFormatException(file, $"no valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static IccSpec Read(SpecReader root)
    {
        root.Expect("prompt_style", EchoStyle);
        var normalise = root.Object("normalise");
        normalise.Expect("centre", "median");
        normalise.Expect("scale", "median_absolute");
        var numbers = root.Object("numbers");
        var clip = numbers.Integer("clip", 1, 1_000_000);
        var trained = ReadTrained(root);
        return new IccSpec
        {
            PromptStyle = EchoStyle,
            MaxClusters = root.Integer("max_clusters", 1, 1000),
            Trained = trained,
            NormaliseTo = normalise.PositiveNumber("to"),
            Decimals = numbers.Integer("decimals", 0, 6),
            WholeBeyond = numbers.Integer("whole_beyond", 0, clip - 1),
            Clip = clip,
            SpectralLayer = root.Integer("spectral_layer", 0, 9999),
            Permutations = root.Has("permutations") ? root.Integer("permutations", 1, 100_000) : 1,
            Calibration = root.Has("calibration") ? ReadCalibration(root.Object("calibration")) : null,
            Subset = root.Has("subset") ? root.Integer("subset", 1, trained.MaxPoints ?? int.MaxValue) : trained.MaxPoints ?? int.MaxValue,
        };
    }

    private static ConfidenceCalibration ReadCalibration(SpecReader calibration)
    {
        var curves = calibration.Objects("curves").Select(c =>
            new ConfidenceCurve(c.Integer("answers", 1, 1_000_000), c.Number("intercept"), c.Number("point"), c.Number("mean"))).ToArray();
        return curves.Length > 0 && curves.DistinctBy(c => c.Answers).Count() == curves.Length
            ? new ConfidenceCalibration(curves)
            : throw calibration.Error("curves", "expected one or more, of different numbers of answers");
    }

    private static TrainedRanges ReadTrained(SpecReader root)
    {
        var trained = root.Has("trained") ? root.Object("trained") : null;
        var (clusters, features, points) = (trained?.Range("clusters"), trained?.Range("features"), trained?.Range("points"));
        return new TrainedRanges(
            clusters?.Least, clusters?.Greatest, features?.Least, features?.Greatest, points?.Least, points?.Greatest);
    }
}

/// <summary>Reads keys of one JSON object, with errors that name the file and the key.</summary>
internal sealed class SpecReader
{
    private readonly string _file;
    private readonly JsonElement _element;
    private readonly string _path;

    public SpecReader(string file, JsonElement element, string path)
    {
        _file = file;
        _element = element;
        _path = path;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new IccFormatException(file, $"{(path.Length == 0 ? "" : path.TrimEnd('.') + ": ")}expected an object, found {Show(element)}");
        }
    }

    public bool Has(string key) => _element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null;

    public SpecReader Object(string key) => new(_file, Get(key), $"{_path}{key}.");

    public int Integer(string key, int least, int greatest) => Integer(Get(key), key, least, greatest);

    public IEnumerable<SpecReader> Objects(string key)
    {
        var value = Get(key);
        return value.ValueKind == JsonValueKind.Array
            ? value.EnumerateArray().Select((item, i) => new SpecReader(_file, item, $"{_path}{key}[{i}]."))
            : throw Error(key, $"expected a list, found {Show(value)}");
    }

    public double Number(string key)
    {
        var value = Get(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw Error(key, $"expected a number, found {Show(value)}");
    }

    public double PositiveNumber(string key)
    {
        var value = Get(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) && number > 0
            ? number
            : throw Error(key, $"expected a number above 0, found {Show(value)}");
    }

    /// <summary>Two counts, the least and the greatest; null where the key is missing.</summary>
    public (int Least, int Greatest)? Range(string key)
    {
        if (!Has(key))
        {
            return null;
        }
        var value = Get(key);
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 2)
        {
            throw Error(key, $"expected a list of the least and the greatest, found {Show(value)}");
        }
        var least = Integer(value[0], key, 1, int.MaxValue);
        return (least, Integer(value[1], key, least, int.MaxValue));
    }

    /// <summary>A text of which this engine knows one value only.</summary>
    public void Expect(string key, string known)
    {
        var value = Get(key);
        if (value.ValueKind != JsonValueKind.String)
        {
            throw Error(key, $"expected a text, found {Show(value)}");
        }
        if (!value.ValueEquals(known))
        {
            throw new IccUnsupportedException($"{_file}: {_path}{key} {Show(value)} is not supported; known: \"{known}\"");
        }
    }

    private int Integer(JsonElement value, string key, int least, int greatest) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least && number <= greatest
            ? number
            : throw Error(key, $"expected an integer from {least}{(greatest == int.MaxValue ? "" : $" to {greatest}")}, found {Show(value)}");

    private JsonElement Get(string key) =>
        _element.TryGetProperty(key, out var value) ? value : throw Error(key, "missing");

    public IccFormatException Error(string key, string message) => new(_file, $"{_path}{key}: {message}");

    private static string Show(JsonElement value)
    {
        var text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length > 60 ? text[..60] + "..." : text;
    }
}
