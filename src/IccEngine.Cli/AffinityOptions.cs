using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc cluster --affinity: a matrix from a file takes the place of the table, and no model is run.</summary>
internal sealed class AffinityOptions
{
    private readonly Option<string?> _affinity = new("--affinity")
    {
        Description = "Instead of a table: cluster this matrix [n, n] of a safetensors file, an affinity or attention; of [layers, n, n] the one of --layer.",
        HelpName = "FILE:NAME",
    };

    private readonly Option<bool> _raw = new("--raw-attention")
    {
        Description = "Make the matrix of --affinity the paper's affinity first: lower triangle, relative to uniform attention, mirrored.",
    };

    /// <summary>Adds the options, and the rule that they or a table are given.</summary>
    /// <param name="command">icc cluster.</param>
    /// <param name="file">Its table.</param>
    /// <param name="others">Options that say something of a table or a model, and nothing of a matrix.</param>
    public AffinityOptions(Command command, Argument<string?> file, IReadOnlyList<Option> others)
    {
        command.Options.Add(_affinity);
        command.Options.Add(_raw);
        command.Validators.Add(result =>
        {
            var given = result.GetValue(_affinity) is not null;
            if (given == result.GetValue(file) is not null)
            {
                result.AddError(given ? "--affinity takes the place of FILE; only one of them can be clustered." : "FILE, or --affinity, is missing.");
            }
            else if (given && others.FirstOrDefault(o => result.GetResult(o) is { Implicit: false }) is { } other)
            {
                result.AddError($"{other.Name} is of no use with --affinity.");
            }
            else if (!given && result.GetValue(_raw))
            {
                result.AddError("--raw-attention is for --affinity only.");
            }
        });
    }

    /// <summary>Whether a matrix is to be clustered.</summary>
    public bool AreGiven(ParseResult parsed) => parsed.GetValue(_affinity) is not null;

    /// <summary>Clusters it and prints what was found.</summary>
    public int Run(ParseResult parsed, int? clusters, AffinityClusteringOptions options, string? output, ReportOption report, bool json)
    {
        var result = AffinityClustering.Cluster(
            parsed.GetValue(_affinity)!, clusters, options with { RawAttention = parsed.GetValue(_raw) }, output);
        report.Write(parsed, path => HtmlReport.Write(path, result));
        if (json)
        {
            LabelsReport.WriteJson(result.Result, Console.Out, writer =>
            {
                writer.WriteString("file", result.File);
                writer.WriteString("tensor", result.Tensor);
                writer.WriteNumber("points", result.Points);
                writer.WriteString("device", result.Device);
            });
        }
        else
        {
            LabelsReport.WriteLines(
                result.Result, $"{result.File}: {result.Tensor}, {result.Points} points; {result.Device}", result.Points);
        }
        return CommandHost.Done;
    }
}
