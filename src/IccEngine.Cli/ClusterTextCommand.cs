using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc cluster-text: the lines of a text file.</summary>
internal static class ClusterTextCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A text a line; or JSON lines, of which --field is the text." };
        var field = new Option<string?>("--field") { Description = "Field of JSON lines that holds the text.", HelpName = "NAME" };
        var condition = new Option<string?>("--condition") { Description = "What to cluster by, in words of the prompt, like \"by topic\".", HelpName = "WORDS" };
        var template = new Option<string?>("--template")
        {
            Description = "Jinja template of the user's message, with items (each printed once, whole and in order), clusters and condition.",
            HelpName = "FILE",
        };
        var method = ClusterCommand.Choice<ClusterMethod>("--method", "Spectral clustering of the attention, the model's own answer (generate), or both.");
        var permutations = new Option<int?>("--permutations")
        {
            Description = "Orders of the texts over which the affinity is averaged (left out: 8), or that the model is asked about (left out: 1); 1 is the paper's way.",
            HelpName = "M",
        };
        var seed = new Option<long>("--seed") { Description = "Seed of orders, k-means and drawn answers.", HelpName = "S" };
        var output = new Option<string?>("--out") { Description = "Write JSON lines with the texts and their cluster to this file.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of lines." };
        var command = new Command("cluster-text", "Clusters the lines of a text file, or a field of JSON lines.")
        {
            file, field, condition, template, method, permutations, seed, output, json,
        };
        var count = new CountOptions(command);
        var answers = AnswerArguments.AddTo(command);
        var reading = new AttentionReading(command);
        var model = ModelOptions.AddTo(command, embedded: false);
        var report = new ReportOption(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var withReport = report.IsGiven(parsed);
            using var loaded = model.Open(parsed);
            var options = new TextClusteringOptions
            {
                Field = parsed.GetValue(field),
                Condition = parsed.GetValue(condition),
                Template = parsed.GetValue(template),
                Clustering = answers.Apply(parsed, reading.Set(parsed, new ClusterOptions
                {
                    Method = Enum.Parse<ClusterMethod>(parsed.GetValue(method)!, ignoreCase: true),
                    MinClusters = count.Min(parsed),
                    MaxClusters = count.Max(parsed),
                    Permutations = parsed.GetValue(permutations),
                    Seed = parsed.GetValue(seed),
                    Adapter = loaded.Adapter,
                    ReturnMaps = withReport,
                })),
            };
            TextClusteringResult result;
            using (var progress = new ProgressLine("clustering"))
            {
                result = TextClustering.Cluster(
                    loaded.Model, parsed.GetValue(file)!, count.Clusters(parsed), options, parsed.GetValue(output), progress, cancellation);
            }
            report.Write(parsed, path => HtmlReport.Write(path, result, $"{loaded.Model.Name} on {loaded.Model.DeviceDescription}"));
            Print(result, loaded.Model, parsed.GetValue(json));
            return CommandHost.Done;
        }
    }

    private static void Print(TextClusteringResult result, IccModel model, bool json)
    {
        var (path, count) = (result.Path, result.Items.Count);
        if (json)
        {
            LabelsReport.WriteJson(result.Result, Console.Out, writer =>
            {
                writer.WriteString("file", path);
                writer.WriteNumber("points", count);
                writer.WriteString("model", model.Name);
                writer.WriteString("device", model.DeviceDescription);
            });
        }
        else
        {
            LabelsReport.WriteLines(result.Result, $"{path}: {count} texts; {model.Name} on {model.DeviceDescription}", count);
        }
    }
}
