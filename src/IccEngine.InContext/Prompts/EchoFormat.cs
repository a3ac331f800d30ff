using IccEngine.Core;
using IccEngine.Formats;

namespace IccEngine.InContext;

/// <summary>The format of the embedded model: every point, then every point again with its label behind it.</summary>
/// <param name="spec">The model's icc.json.</param>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="model">What messages call the model.</param>
public sealed class EchoFormat(IccSpec spec, Tokenizer tokenizer, string model) : IPromptFormat
{
    private double[] _reference = [];

    /// <inheritdoc/>
    public int? MaxFeatures => spec.Trained.MaxFeatures;

    /// <inheritdoc/>
    public int? MaxClusters => spec.Trained.MaxClusters;

    /// <inheritdoc/>
    public int? MaxPoints => spec.Trained.MaxPoints;

    /// <inheritdoc/>
    public int SubsetPoints => spec.Subset;

    /// <inheritdoc/>
    public int DefaultLayer(int layers) => spec.SpectralLayer < layers
        ? spec.SpectralLayer
        : throw new IccFormatException(model, $"icc.json: spectral_layer {spec.SpectralLayer}; the model has layers 0 to {layers - 1}");

    /// <inheritdoc/>
    public IPromptFormat Fitted(PointSet points) => new EchoFormat(spec, tokenizer, model) { _reference = points.Values };

    /// <inheritdoc/>
    public IEnumerable<string> Remarks(PointSet points, int clusters)
    {
        var trained = spec.Trained;
        if (clusters < trained.MinClusters || clusters > trained.MaxClusters)
        {
            yield return $"{clusters} clusters: the model was trained on {trained.MinClusters} to {trained.MaxClusters}";
        }
        if (points.Count < trained.MinPoints)
        {
            yield return $"{points.Count} points: the model was trained on {trained.MinPoints} and more";
        }
        if (points.Count > trained.MaxPoints)
        {
            yield return $"{points.Count} points: the model was trained on up to {trained.MaxPoints}; attention is averaged over random"
                + $" subsets of {spec.Subset}, and a generated answer is weak";
        }
    }

    /// <inheritdoc/>
    public EncodedPrompt Encode(PointSet points, int clusters)
    {
        var prompt = EchoPrompt.Create(spec, points.Values, points.Count, points.Features, clusters, _reference);
        return PromptTokens.Encode(tokenizer, prompt.Text, prompt.Points, addSpecialTokens: true);
    }

    /// <inheritdoc/>
    public AnswerTemplate Answer(PointSet points, int clusters)
    {
        var prompt = EchoPrompt.Create(spec, points.Values, points.Count, points.Features, clusters, _reference);
        // The blank before a label is a part of its token.
        return new AnswerTemplate(tokenizer, prompt.Text, [.. prompt.Forced.Select(f => $"{f} "), ""], clusters)
        {
            Canonical = true,
            UsesAll = true,
            SingleTokenLabels = true,
        };
    }
}
