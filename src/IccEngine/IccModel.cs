using System.Diagnostics;
using IccEngine.Clustering;
using IccEngine.Core;
using IccEngine.Formats;
using IccEngine.InContext;
using IccEngine.Models;

namespace IccEngine;

/// <summary>
/// A language model that clusters: the embedded one, or a Hugging Face folder. Opening maps the weights; every call makes what else it
/// needs. Thread-safe: any number of threads may call one object, until it is disposed.
/// </summary>
public sealed class IccModel : IDisposable
{
    private const int DefaultPermutations = 8;
    private readonly ModelFiles _files;
    private readonly IBackend _backend;

    private IccModel(ModelFiles files, string device, int threads, string dtype, string quantize)
    {
        _files = files;
        WeightFormat format;
        try
        {
            format = Quantization.FormatOf(quantize);
            _backend = Device.Open(device, threads, dtype);
        }
        catch
        {
            files.Checkpoint.Dispose();
            throw;
        }
        try
        {
            Model = CausalLM.Load(files.Config, files.Checkpoint, _backend, format);
        }
        catch
        {
            _backend.Dispose();
            throw;
        }
    }

    /// <summary>The folder, or the name of the embedded model.</summary>
    public string Name => _files.Name;

    /// <summary>What computes, for people.</summary>
    public string DeviceDescription => _backend.Description;

    /// <summary>How the weights are held, for people: their type, or int8 and the type that it was made from.</summary>
    public string WeightsDescription
    {
        get
        {
            var stored = _files.Checkpoint.Get("model.embed_tokens.weight").DType.ToString().ToLowerInvariant();
            var format = Model.WeightFormat == WeightFormat.Int8 ? $"int8 in groups of 32, from {stored}" : stored;
            return FormattableString.Invariant($"{format}; {Model.StepBytes:N0} bytes a token");
        }
    }

    /// <summary>Most clusters that the model was trained on (icc.json); null where that is not said.</summary>
    internal int? TrainedClusters => _files.Spec?.Trained.MaxClusters;

    /// <summary>The transformer itself, for work below this level: sessions, taps, inspection.</summary>
    public CausalLM Model { get; }

    /// <summary>The model's tokenizer, read when it is first asked for.</summary>
    /// <exception cref="IccFormatException">tokenizer.json is missing or malformed.</exception>
    /// <exception cref="IccUnsupportedException">It asks for something that is not supported.</exception>
    public Tokenizer Tokenizer => _files.Tokenizer;

    /// <summary>The model's chat template, read when it is first asked for, or null where it has none.</summary>
    /// <exception cref="IccFormatException">The template, or the file that it stands in, is malformed.</exception>
    /// <exception cref="IccUnsupportedException">It uses something that is not supported.</exception>
    public ChatFormat? Chat => _files.Chat;

    /// <summary>Opens the embedded model: 1.5 M parameters, trained on clustering episodes and nothing else.</summary>
    /// <param name="device">cpu, reference, cuda:N or auto; see <see cref="Device.Open"/>.</param>
    /// <param name="threads">Threads of the cpu; 0: one for every core.</param>
    /// <param name="dtype">float32, or bfloat16 on NVIDIA devices; see <see cref="Device.Open"/>.</param>
    /// <param name="quantize">How the matrices are held: one of <see cref="Quantization.Names"/>.</param>
    /// <exception cref="IccArgumentException">There is no such device or quantisation, or the device does not compute in the type.</exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    public static IccModel LoadEmbedded(string device = "cpu", int threads = 0, string dtype = "float32", string quantize = "none") =>
        new(ModelFiles.ReadEmbedded(), device, threads, dtype, quantize);

    /// <summary>Opens a model folder in the layout of the Hugging Face hub: Llama, Qwen2, Qwen3 or Mistral.</summary>
    /// <param name="folder">config.json, model.safetensors (or shards and an index), tokenizer.json, tokenizer_config.json.</param>
    /// <param name="device">cpu, reference, cuda:N or auto; see <see cref="Device.Open"/>.</param>
    /// <param name="threads">Threads of the cpu; 0: one for every core.</param>
    /// <param name="dtype">float32, or bfloat16 on NVIDIA devices; see <see cref="Device.Open"/>.</param>
    /// <param name="quantize">How the matrices are held: one of <see cref="Quantization.Names"/>.</param>
    /// <exception cref="IccFormatException">A file is missing or malformed.</exception>
    /// <exception cref="IccUnsupportedException">A file asks for something that is not supported, or a matrix cannot be quantised.</exception>
    /// <exception cref="IccArgumentException">There is no such device or quantisation, or the device does not compute in the type.</exception>
    /// <exception cref="IccDeviceException">The NVIDIA device is not there or cannot be used.</exception>
    public static IccModel Load(string folder, string device = "cpu", int threads = 0, string dtype = "float32", string quantize = "none") =>
        new(ModelFiles.Read(folder), device, threads, dtype, quantize);

    /// <summary>Loads a PEFT adapter for this model; several may be in use at one time. Dispose it before the model.</summary>
    /// <param name="folder">adapter_config.json and adapter_model.safetensors.</param>
    /// <param name="merged">Whether to merge it into copies of the weights instead of computing it beside them.</param>
    /// <exception cref="IccFormatException">A file is missing or malformed, or does not fit the model.</exception>
    /// <exception cref="IccUnsupportedException">The adapter asks for something that is not supported.</exception>
    public LoraAdapter LoadAdapter(string folder, bool merged = false) => LoraAdapter.Load(Model, folder, merged);

    /// <summary>Clusters points.</summary>
    /// <param name="points">n points of d features.</param>
    /// <param name="clusters">Number of clusters, from 1 to n; null: it is estimated (<see cref="ClusterOptions.MinClusters"/>).</param>
    /// <param name="options">Settings.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccArgumentException">Numbers of points, clusters or features that cannot be, or a layer that is not there.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ClusterResult Cluster(
        PointSet points, int? clusters, ClusterOptions? options = null, IProgress<double>? progress = null,
        CancellationToken cancellation = default)
    {
        options ??= new ClusterOptions();
        if (options.Estimator is { } estimator)
        {
            using var activity = Telemetry.Begin(Telemetry.Cluster);
            return ByEstimator(estimator, points, clusters, options);
        }
        return Cluster(_files.FormatFor(options.OriginalSpans), points, true, clusters, options, progress, cancellation);
    }

    /// <summary>Clusters texts; see <see cref="TextClustering"/>.</summary>
    internal ClusterResult ClusterTexts(
        IReadOnlyList<string> items, string? template, string? condition, int? clusters, ClusterOptions options, IProgress<double>? progress,
        CancellationToken cancellation)
    {
        if (_files.Spec is not null)
        {
            throw new IccArgumentException($"{Name} reads numbers only (icc.json); expected a language model");
        }
        var format = new TextFormat(
            items, TextTemplate.Load(template), condition, Tokenizer, Chat is null ? null : Chat.Render, Model.Config.MaxPositionEmbeddings);
        return Cluster(format, format.Points, false, clusters, options, progress, cancellation);
    }

    private ClusterResult Cluster(
        IPromptFormat format, PointSet points, bool coordinates, int? given, ClusterOptions options, IProgress<double>? progress,
        CancellationToken cancellation)
    {
        using var activity = Telemetry.Begin(Telemetry.Cluster);
        List<string> remarks = [];
        var shown = Reduce(format, points, remarks);
        // Every candidate takes as long as clustering.
        var estimating = given is null ? 0.8 : 0;
        var estimate = given is null
            ? Estimate(format, shown, coordinates, options, share => progress?.Report(estimating * share), cancellation)
            : null;
        var clusters = estimate?.NClusters ?? given!.Value;
        var together = options.Representatives is { } some && some > 0 && some < points.Count && options.Method == ClusterMethod.Attention
            ? points.Select([.. Enumerable.Range(0, some)])
            : points;
        remarks.InsertRange(0, format.Remarks(together, clusters));
        var results = new List<MethodResult>();
        ClusterMethod[] methods = [.. new[] { ClusterMethod.Attention, ClusterMethod.Generate }.Where(m => options.Method.HasFlag(m))];
        foreach (var method in methods)
        {
            var first = (double)results.Count / methods.Length;
            void Report(double share) => progress?.Report(estimating + (1 - estimating) * (first + share / methods.Length));
            results.Add(method == ClusterMethod.Attention
                ? ByAttention(format, shown, clusters, options, remarks, Report, cancellation)
                : ByAnswer(format, shown, clusters, options, remarks, Report, cancellation));
        }
        return new ClusterResult(results, remarks) { Clusters = clusters, Candidates = estimate?.Candidates ?? [] };
    }

    private CountEstimate Estimate(
        IPromptFormat format, PointSet points, bool coordinates, ClusterOptions options, Action<double> progress, CancellationToken cancellation)
    {
        var some = options.Method == ClusterMethod.Attention && options.Representatives is { } few && few < points.Count ? few : points.Count;
        var range = CountRange.For(some, options.MinClusters, options.MaxClusters, format.MaxClusters);
        return CountEstimate.ByScore(CountEstimator.Candidates(
            Model, format, points, coordinates, range, some, AttentionOf(options), options.Adapter, progress, cancellation));
    }

    /// <summary>Pooled attention between parts of a text, for every layer.</summary>
    /// <param name="text">The prompt; special tokens are added as the tokenizer says.</param>
    /// <param name="parts">Character ranges of the parts, in order and disjoint; a token belongs to the part of its first character.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>For every layer [parts, parts]: mean attention from tokens of the row's part to tokens of the column's, over all heads.</returns>
    /// <exception cref="IccArgumentException">Ranges that overlap, are out of order, outside the text, or hold no token.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public float[][] PooledAttention(
        string text, IReadOnlyList<Range> parts, LoraAdapter? adapter = null, CancellationToken cancellation = default)
    {
        var prompt = PromptTokens.Encode(Tokenizer, text, [.. parts.Select(p => (p.Start.GetOffset(text.Length), p.End.GetOffset(text.Length)))], true);
        using var capture = new AttentionCapture(Model, new TapRequest { Spans = prompt.Spans });
        using var session = new InferenceSession(Model, new SessionOptions(prompt.Ids.Length, MaxLoraRank: adapter?.Rank ?? 0));
        session.Forward(
            [new SequenceInput(session.Begin(adapter), prompt.PointIds, LogitsWanted.None, capture)], cancellation: cancellation);
        return [.. Enumerable.Range(0, Model.Config.NumHiddenLayers).Select(layer => capture.Read(capture.SpanToSpan(layer)))];
    }

    /// <summary>Continues a text, greedily where nothing else is said.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="maxNewTokens">Tokens at most.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="stopIds">Ids that end the text; null: those of the model's configuration.</param>
    /// <param name="sampling">How tokens are drawn; null: <see cref="SamplingOptions.Greedy"/>.</param>
    /// <param name="seed">Equal seeds give equal texts.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <returns>Pieces of text as they come; together they are the text, without special tokens.</returns>
    /// <exception cref="IccArgumentException">An empty prompt, a token that the model does not have, or options outside their limits.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<string> Generate(
        IReadOnlyList<int> prompt, int maxNewTokens = 256, LoraAdapter? adapter = null, IReadOnlyCollection<int>? stopIds = null,
        SamplingOptions? sampling = null, long seed = 0, CancellationToken cancellation = default)
    {
        var options = Options(maxNewTokens, stopIds, sampling ?? SamplingOptions.Greedy, seed);
        using var session = new InferenceSession(Model, Decoding.Room(prompt.Count, options, adapter));
        var decoder = Tokenizer.CreateStreamingDecoder(skipSpecialTokens: true);
        foreach (var token in Decoding.Generate(session, session.Begin(adapter), prompt.ToArray(), options, null, cancellation))
        {
            if (decoder.Append(token.Id) is { Length: > 0 } piece)
            {
                yield return piece;
            }
        }
    }

    /// <summary>Several continuations of one text, which goes through the model once.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="samples">How many.</param>
    /// <param name="sampling">How tokens are drawn.</param>
    /// <param name="seed">Equal seeds give equal texts.</param>
    /// <param name="maxNewTokens">Tokens of each at most.</param>
    /// <param name="adapter">Adapter, or null.</param>
    /// <param name="stopIds">Ids that end a text; null: those of the model's configuration.</param>
    /// <param name="cancellation">Looked at before every layer.</param>
    /// <exception cref="IccArgumentException">An empty prompt, a token that the model does not have, or options outside their limits.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<GeneratedText> GenerateSamples(
        IReadOnlyList<int> prompt, int samples, SamplingOptions sampling, long seed = 0, int maxNewTokens = 256, LoraAdapter? adapter = null,
        IReadOnlyCollection<int>? stopIds = null, CancellationToken cancellation = default)
    {
        var options = Options(maxNewTokens, stopIds, sampling, seed) with { Samples = samples, LogProbabilities = true };
        using var session = new InferenceSession(Model, Decoding.Room(prompt.Count, options, adapter));
        var tokens = Decoding.Generate(session, session.Begin(adapter), prompt.ToArray(), options, null, cancellation).ToLookup(t => t.Sample);
        return [.. Enumerable.Range(0, samples).Select(sample =>
        {
            int[] ids = [.. tokens[sample].Select(t => t.Id)];
            var decoder = Tokenizer.CreateStreamingDecoder(skipSpecialTokens: true);
            return new GeneratedText(string.Concat(ids.Select(decoder.Append)), ids, [.. tokens[sample].Select(t => t.LogProbability)]);
        })];
    }

    /// <summary>Gives the memory back and closes the files.</summary>
    public void Dispose()
    {
        Model.Dispose();
        _backend.Dispose();
    }

    private GenerationOptions Options(int maxNewTokens, IReadOnlyCollection<int>? stopIds, SamplingOptions sampling, long seed) => new()
    {
        MaxNewTokens = maxNewTokens,
        StopIds = stopIds ?? [.. Model.Config.EosTokenIds],
        Sampling = sampling,
        Seed = seed,
    };

    /// <summary>What the model knows of the points: all features, or the first principal components.</summary>
    private static PointSet Reduce(IPromptFormat format, PointSet points, List<string> remarks)
    {
        if (format.MaxFeatures is not { } most || points.Features <= most)
        {
            return points;
        }
        if (points.Count < most)
        {
            throw new IccArgumentException($"{points.Features} features and {points.Count} points: expected at least {most} points to reduce them to {most}");
        }
        var pca = Pca.Fit(points.Values, points.Count, points.Features, most);
        remarks.Add($"{points.Features} features: the model sees the first {most} principal components"
            + $" ({100 * pca.ExplainedVarianceRatio.Sum():0.0} % of the variance)");
        return new PointSet(pca.Transform(points.Values, points.Count), points.Count, most);
    }

    private ClusterResult ByEstimator(ClusteringMethod estimator, PointSet points, int? given, ClusterOptions options)
    {
        var watch = Stopwatch.StartNew();
        var estimate = given is null && !estimator.FindsNClusters
            ? CountEstimate.BySilhouette(
                _backend, points, CountRange.For(points.Count, options.MinClusters, options.MaxClusters, null), options.Seed)
            : null;
        var request = new ClusteringRequest(estimate?.NClusters ?? given ?? 1, options.Seed);
        var found = estimator.Fit(_backend, points.Values, points.Count, points.Features, request);
        var labels = LabelOrder.ByFirstAppearance(found.Labels);
        return new ClusterResult([new MethodResult(estimator.Name, null, labels, watch.Elapsed.TotalSeconds)], found.Warnings)
        {
            Clusters = estimator.FindsNClusters ? labels.Max() + 1 : request.NClusters,
            Candidates = estimate?.Candidates ?? [],
        };
    }

    private AttentionOptions AttentionOf(ClusterOptions options) => new()
    {
        Layer = options.Layer,
        Head = options.Head,
        Kind = options.AffinityKind,
        Symmetrisation = options.Symmetrisation,
        PositionCorrection = options.PositionCorrection,
        LayerScores = options.LayerScores,
        Permutations = options.Permutations ?? _files.Spec?.Permutations ?? DefaultPermutations,
        Seed = options.Seed,
        ReturnAffinity = options.ReturnAffinity,
        ReturnMaps = options.ReturnMaps,
    };

    private MethodResult ByAttention(
        IPromptFormat format, PointSet points, int clusters, ClusterOptions options, List<string> remarks, Action<double> progress,
        CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var result = RepresentativeClusterer.Cluster(
            Model, format, points, clusters, options.Representatives ?? points.Count, AttentionOf(options), options.Adapter, progress, cancellation);
        remarks.AddRange(result.Warnings);
        return new MethodResult(
            ClusterOptions.NameOf(ClusterMethod.Attention), result.Layers.First, result.Labels, watch.Elapsed.TotalSeconds, result.Affinity, result.Eigenvalues)
        {
            LastLayer = result.Layers.Last,
            Head = options.Head,
            LayerScores = result.LayerScores,
            Maps = result.Maps,
            AffinityPoints = result.AffinityPoints,
        };
    }

    private MethodResult ByAnswer(
        IPromptFormat format, PointSet points, int clusters, ClusterOptions options, List<string> remarks, Action<double> progress,
        CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var settings = new EnsembleOptions
        {
            Answers = options.Answers with { Seed = options.Seed },
            Permutations = options.Permutations ?? 1,
            Consensus = options.Consensus,
            // Fitted to the model without an adapter.
            Calibration = options.RawConfidence || options.Adapter is not null ? null : _files.Spec?.Calibration,
            Seed = options.Seed,
        };
        var result = AnswerEnsemble.Cluster(Model, format, points, clusters, settings, options.Adapter, progress, cancellation);
        if (result.Unparsed > 0)
        {
            remarks.Add($"{result.Unparsed} of {result.Answers.Count} answers could not be read");
        }
        return new MethodResult(ClusterOptions.NameOf(ClusterMethod.Generate), null, result.Labels, watch.Elapsed.TotalSeconds)
        {
            Confidence = result.Confidence,
            Calibrated = result.Calibrated,
            Answers = result.Answers,
        };
    }
}
