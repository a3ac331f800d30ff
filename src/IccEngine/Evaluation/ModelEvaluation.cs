using System.Globalization;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.InContext;

namespace IccEngine;

/// <summary>What an evaluation gives.</summary>
/// <param name="Setting">What the results depend on.</param>
/// <param name="Methods">Scores, a method each.</param>
/// <param name="Paper">The table of the paper that was asked for, or null.</param>
public sealed record EvaluationResult(EvaluationSetting Setting, IReadOnlyList<MethodScores> Methods, PaperTable? Paper);

/// <summary>Evaluates a model and the methods that need none on episodes whose clusters are known.</summary>
public static class ModelEvaluation
{
    private const string Free = "generate-free";
    private const string ManyOrders = "-x";

    /// <summary>Methods where none is named.</summary>
    public static IReadOnlyList<string> DefaultMethods { get; } = ["attention", "generate", "kmeans-1", "kmeans"];

    /// <summary>Names of methods, for people.</summary>
    public static string MethodChoices { get; } =
        $"attention, generate, {Free} (read afterwards), each with {ManyOrders}M for M orders of the points, {string.Join(", ", ClusteringMethod.All.Select(m => m.Name))}; attention takes settings behind colons ({AttentionSettings.Choices})";

    /// <summary>Runs an evaluation, from where its results file ends.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">What is evaluated.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccArgumentException">A name or a number that cannot be, or data named twice or not at all.</exception>
    /// <exception cref="IccFormatException">A file cannot be read or written, is no episode file, or has results of another setting.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the results file has what was done.</exception>
    public static EvaluationResult Run(
        IccModel model, EvaluationRequest request, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        request = request with { MaxClusters = request.MaxClusters ?? model.TrainedClusters };
        var names = request.Methods.Count > 0 ? request.Methods : DefaultMethods;
        EvaluationMethod[] methods = [.. names.Select(name => Method(model, name, request))];
        if (request.Permutations is < 1)
        {
            throw new IccArgumentException($"{request.Permutations} permutations; expected 1 or more");
        }
        var paper = request.Paper is { } table ? PaperTable.Find(table) : null;
        var data = Data(request, paper);
        var setting = new EvaluationSetting(
            data.Description, model.Name, request.Adapter?.Name, request.Permutations, model.DeviceDescription, request.Seed,
            request.Calibrate)
        {
            Clusters = request.EstimateClusters ? $"{request.MinClusters ?? 2}..{request.MaxClusters?.ToString(CultureInfo.InvariantCulture) ?? "10"}" : null,
        };
        using var log = EvaluationLog.Open(request.Output, setting);
        return new EvaluationResult(setting, InContext.Evaluation.Run(data, methods, request.Limit, log, progress, cancellation), paper);
    }

    private static EvaluationData Data(EvaluationRequest request, PaperTable? paper) => (request.Files.Count, request.Generate) switch
    {
        ( > 0, null) => EvaluationData.FromFiles(request.Files),
        (0, { } spec) => EvaluationData.Generated(EpisodeSpec.Parse(spec), paper?.Orders ?? 1),
        (0, null) when paper is not null => EvaluationData.Generated(EpisodeSpec.Parse(paper.Episodes), paper.Orders),
        (0, null) => throw new IccArgumentException("data: found none, expected files, a spec to generate from, or a table of the paper"),
        _ => throw new IccArgumentException("data: found files and a spec to generate from, expected one of them"),
    };

    private static EvaluationMethod Method(IccModel model, string name, EvaluationRequest request)
    {
        var options = Options(name, request);
        var calibrates = request.Calibrate && options is { Estimator: null, Method: ClusterMethod.Generate, Answers.Decoding: AnswerDecoding.Constrained };
        return new EvaluationMethod(name, (points, clusters, cancellation) =>
        {
            using var tokens = new TokenCounter();
            var result = model.Cluster(points, request.EstimateClusters ? null : clusters, options, cancellation: cancellation);
            var found = result.Results[0];
            return new EvaluationAnswer(found.Labels, tokens.Count, found.Answers.Count(a => !a.Parsed), found.Confidence)
            {
                Clusters = request.EstimateClusters ? result.Clusters : null,
            };
        })
        {
            CalibratedAnswers = calibrates ? options.Permutations ?? 1 : 0,
        };
    }

    /// <summary>What a name says: a method; of those by the model, of which orders, and whether the answer is free.</summary>
    private static ClusterOptions Options(string name, EvaluationRequest request)
    {
        var options = new ClusterOptions
        {
            MinClusters = request.MinClusters,
            MaxClusters = request.MaxClusters,
            Permutations = request.Permutations,
            Seed = request.Seed,
            Adapter = request.Adapter?.Adapter,
            RawConfidence = request.Calibrate,
        };
        var (method, settings) = AttentionSettings.Split(name);
        var at = method.LastIndexOf(ManyOrders, StringComparison.Ordinal);
        if (at > 0 && int.TryParse(method.AsSpan(at + ManyOrders.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var orders) && orders > 0)
        {
            (method, options) = (method[..at], options with { Permutations = orders });
        }
        if (method == ClusterOptions.NameOf(ClusterMethod.Attention))
        {
            return AttentionSettings.Apply(options.With(method), settings);
        }
        return method switch
        {
            _ when settings.Length > 0 => throw new IccArgumentException($"method: found '{name.ReplaceLineEndings(" ")}', expected settings behind attention only"),
            Free => options.With(ClusterOptions.NameOf(ClusterMethod.Generate)) with { Answers = new AnswerOptions { Decoding = AnswerDecoding.Free } },
            _ when method == ClusterOptions.NameOf(ClusterMethod.Generate) => options.With(method),
            _ when ClusteringMethod.All.Any(m => m.Name == name) => options.With(name),
            _ => throw new IccArgumentException($"method: found '{name.ReplaceLineEndings(" ")}', expected one of {MethodChoices}"),
        };
    }
}
