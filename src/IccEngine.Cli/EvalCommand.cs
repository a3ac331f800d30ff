using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc eval: methods against clusters that are known.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var data = new Option<string[]>("--data") { Description = "Episode files (JSON lines).", HelpName = "FILES", AllowMultipleArgumentsPerToken = true };
        var generate = new Option<string?>("--generate") { Description = "Generate the episodes, as icc data does.", HelpName = "SPEC" };
        var paper = new Option<string?>("--paper")
        {
            Description = "Show the results beside a table of the paper (table1, table4, table5, table6), on episodes like its own where no others are named.",
            HelpName = "TABLE",
        };
        var method = new Option<string[]>("--method")
        {
            Description = $"Methods, with commas between them: {ModelEvaluation.MethodChoices}. Left out: {string.Join(", ", ModelEvaluation.DefaultMethods)}.",
            HelpName = "LIST",
            AllowMultipleArgumentsPerToken = true,
        };
        var clusters = new Option<string>("--clusters")
        {
            Description = "Whether methods are told the true number of clusters (given), or estimate it (auto); those that need no model by the silhouette of k-means.",
            HelpName = "given|auto",
            DefaultValueFactory = _ => "given",
        };
        clusters.AcceptOnlyFromAmong("given", "auto");
        var permutations = new Option<int?>("--permutations")
        {
            Description = "Orders over which attention is averaged (left out: the model's own choice, else 8), or of which answers agree (left out: 1);"
                + " 1 is the paper's way.",
            HelpName = "M",
        };
        var limit = new Option<long?>("--limit") { Description = "Episodes of each cell at most.", HelpName = "N" };
        var seed = new Option<long>("--seed") { Description = "Seed of orders, starts and k-means.", HelpName = "S" };
        var output = new Option<string?>("--out")
        {
            Description = "Write the results to this file as they come (JSON lines); where it holds some of the same setting, go on from there.",
            HelpName = "FILE",
        };
        var calibrate = new Option<bool>("--calibrate")
        {
            Description = "Fit the confidence of answers to these episodes, and print the curves for the model's icc.json.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of tables." };
        var command = new Command("eval", "Compares methods on points whose clusters are known.")
        {
            data, generate, paper, method, clusters, permutations, limit, seed, output, calibrate, json,
        };
        var (least, most) = CountOptions.AddRange(command, clusters);
        var model = ModelOptions.AddTo(command, embedded: true);
        var report = new ReportOption(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            report.IsGiven(parsed);
            using var loaded = model.Open(parsed);
            var request = new EvaluationRequest
            {
                Files = parsed.GetValue(data) ?? [],
                Generate = parsed.GetValue(generate),
                Paper = parsed.GetValue(paper),
                Methods = [.. (parsed.GetValue(method) ?? []).SelectMany(list => list.Split(',', StringSplitOptions.TrimEntries))],
                EstimateClusters = parsed.GetValue(clusters) == "auto",
                MinClusters = parsed.GetValue(least),
                MaxClusters = parsed.GetValue(most),
                Permutations = parsed.GetValue(permutations),
                Limit = parsed.GetValue(limit),
                Seed = parsed.GetValue(seed),
                Calibrate = parsed.GetValue(calibrate),
                Adapter = loaded.Adapter is { } adapter ? (adapter, loaded.AdapterName!) : null,
                Output = parsed.GetValue(output),
            };
            EvaluationResult result;
            using (var progress = new ProgressLine("evaluating"))
            {
                result = ModelEvaluation.Run(loaded.Model, request, progress, cancellation);
            }
            report.Write(parsed, path => HtmlReport.Write(path, result));
            if (parsed.GetValue(json))
            {
                EvalJson.Write(result, Console.Out);
            }
            else
            {
                EvalReport.Write(result);
            }
            return CommandHost.Done;
        }
    }
}
