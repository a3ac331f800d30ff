using System.CommandLine;
using IccEngine.Formats;

namespace IccEngine.Cli;

/// <summary>icc cluster: the rows of a table.</summary>
internal static class ClusterCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "CSV, TSV or JSONL file, with a header or without." };
        var clusters = new Option<int>("--clusters", "-k") { Description = "Number of clusters.", HelpName = "K", Required = true };
        var method = new Option<ClusterMethod>("--method")
        {
            Description = "Spectral clustering of the attention, the model's own answer, or both: attention, generate, both.",
            HelpName = "METHOD",
            DefaultValueFactory = _ => ClusterMethod.Attention,
        };
        var columns = new Option<string?>("--columns") { Description = "Columns of numbers, by name or number, like 1,2,petal_length.", HelpName = "COLUMNS" };
        var label = new Option<string?>("--label-column") { Description = "Column with the true classes: it is left out, and compared with.", HelpName = "COLUMN" };
        var scale = new Option<TableScale>("--scale") { Description = "none, or standard: mean 0 and deviation 1 a column.", HelpName = "HOW" };
        var layer = new Option<int?>("--layer") { Description = "Layer whose attention is read; left out: the model's own choice.", HelpName = "L" };
        var permutations = new Option<int?>("--permutations")
        {
            Description = "Orders of the points over which the affinity is averaged; 1 is the paper's way; left out: the model's own choice, else 8.",
            HelpName = "M",
        };
        var seed = new Option<long>("--seed") { Description = "Seed of orders, subsets and k-means.", HelpName = "S" };
        var output = new Option<string?>("--out") { Description = "Write the rows with their cluster to this file.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of tables." };
        var command = new Command("cluster", "Clusters the rows of a table.")
        {
            file, clusters, method, columns, label, scale, layer, permutations, seed, output, json,
        };
        var model = ModelOptions.AddTo(command, embedded: true);
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(parsed, cancellation)));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            using var loaded = model.Open(parsed);
            var options = new ClusterOptions
            {
                Method = parsed.GetValue(method),
                Layer = parsed.GetValue(layer),
                Permutations = parsed.GetValue(permutations),
                Seed = parsed.GetValue(seed),
                Adapter = loaded.Adapter,
            };
            var table = new TableOptions { Columns = parsed.GetValue(columns)?.Split(','), LabelColumn = parsed.GetValue(label) };
            TableClusteringResult result;
            using (var progress = new ProgressLine("clustering"))
            {
                result = TableClustering.Cluster(
                    loaded.Model, parsed.GetValue(file)!, table, parsed.GetValue(clusters), parsed.GetValue(scale), options, progress, cancellation);
            }
            if (parsed.GetValue(output) is { } path)
            {
                TableClustering.Write(result, path);
            }
            if (parsed.GetValue(json))
            {
                ClusterReport.WriteJson(result, loaded.Model, parsed.GetValue(clusters), Console.Out);
            }
            else
            {
                ClusterReport.WriteTables(result, loaded.Model);
            }
            return CommandHost.Done;
        }
    }
}
