using System.CommandLine;
using IccEngine.Formats;

namespace IccEngine.Cli;

/// <summary>icc cluster: the rows of a table.</summary>
internal static class ClusterCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("FILE") { Description = "CSV, TSV or JSONL file, with a header or without.", Arity = ArgumentArity.ZeroOrOne };
        var method = new Option<string>("--method")
        {
            Description = "Spectral clustering of the attention, the model's own answer (generate), both, or a method that needs no model.",
            DefaultValueFactory = _ => ClusterOptions.MethodNames[0],
        };
        method.AcceptOnlyFromAmong([.. ClusterOptions.MethodNames]);
        var columns = new Option<string?>("--columns") { Description = "Columns of numbers, by name or number, like 1,2,petal_length.", HelpName = "COLUMNS" };
        var label = new Option<string?>("--label-column") { Description = "Column with the true classes: it is left out, and compared with.", HelpName = "COLUMN" };
        var scale = Choice<TableScale>("--scale", "What is done to the columns first; standard: mean 0 and deviation 1 each.");
        var permutations = new Option<int?>("--permutations")
        {
            Description = "Orders of the points over which the affinity is averaged (left out: the model's own choice, else 8), or that the model is"
                + " asked about (left out: 1); 1 is the paper's way.",
            HelpName = "M",
        };
        var representatives = new Option<int?>("--representatives")
        {
            Description = "Cluster only so many of the rows, drawn at random, and label the others by their attention to these.",
            HelpName = "N",
        };
        var seed = new Option<long>("--seed") { Description = "Seed of orders, subsets, k-means and drawn answers.", HelpName = "S" };
        var originalSpans = new Option<bool>("--original-spans")
        {
            Description = "Find the tokens of the points by the rule of the paper's code; for models that take the paper's prompt.",
        };
        var output = new Option<string?>("--out") { Description = "Write the rows with their cluster, and for answers its confidence, to this file.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of tables." };
        var command = new Command("cluster", "Clusters the rows of a table, or a matrix of affinities.")
        {
            file, method, columns, label, scale, permutations, representatives, seed, originalSpans, output, json,
        };
        var count = new CountOptions(command);
        var answers = AnswerArguments.AddTo(command);
        var model = ModelOptions.AddTo(command, embedded: true);
        var reading = new AttentionReading(command);
        var affinity = new AffinityOptions(command, file, [method, columns, label, scale, permutations, representatives, originalSpans, .. reading.OfModel, .. model.OfModel]);
        var report = new ReportOption(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var withReport = report.IsGiven(parsed);
            if (affinity.AreGiven(parsed))
            {
                var (where, threads) = model.DeviceOf(parsed);
                var settings = new AffinityClusteringOptions
                {
                    Layer = reading.Layers(parsed),
                    MinClusters = count.Min(parsed),
                    MaxClusters = count.Max(parsed),
                    Seed = parsed.GetValue(seed),
                    Device = where,
                    Threads = threads,
                    ReturnAffinity = withReport,
                };
                return affinity.Run(parsed, count.Clusters(parsed), settings, parsed.GetValue(output), report, parsed.GetValue(json));
            }
            using var loaded = model.Open(parsed);
            var options = reading.Set(parsed, new ClusterOptions
            {
                MinClusters = count.Min(parsed),
                MaxClusters = count.Max(parsed),
                Permutations = parsed.GetValue(permutations),
                Representatives = parsed.GetValue(representatives),
                Seed = parsed.GetValue(seed),
                OriginalSpans = parsed.GetValue(originalSpans),
                Adapter = loaded.Adapter,
                ReturnMaps = withReport,
            }.With(parsed.GetValue(method)!));
            options = answers.Apply(parsed, options);
            var table = new TableOptions { Columns = parsed.GetValue(columns)?.Split(','), LabelColumn = parsed.GetValue(label) };
            TableClusteringResult result;
            using (var progress = new ProgressLine("clustering"))
            {
                result = TableClustering.Cluster(
                    loaded.Model, parsed.GetValue(file)!, table, count.Clusters(parsed),
                    Enum.Parse<TableScale>(parsed.GetValue(scale)!, ignoreCase: true), options, parsed.GetValue(output), progress, cancellation);
            }
            var (name, device) = (options.Estimator is null ? loaded.Model.Name : null, loaded.Model.DeviceDescription);
            var by = name is null ? device : $"{name} on {device}";
            report.Write(parsed, path => HtmlReport.Write(path, result, by));
            if (parsed.GetValue(json))
            {
                ClusterReport.WriteJson(result, name, device, Console.Out);
            }
            else
            {
                ClusterReport.WriteTables(result, by);
            }
            return CommandHost.Done;
        }
    }

    /// <summary>An option whose value is one of an enumeration's names, in small letters; the first is the default.</summary>
    public static Option<string> Choice<T>(string name, string description) where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(n => n.ToLowerInvariant())];
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => names[0] };
        option.AcceptOnlyFromAmong(names);
        return option;
    }
}
