using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc bench make-model: a model with random weights.</summary>
internal static class MakeModelCommand
{
    public static Command Create()
    {
        var shape = new Option<string>("--shape") { Description = $"Shape of the model: {string.Join(", ", BenchmarkModel.Shapes)}.", HelpName = "SHAPE", Required = true };
        var dtype = BenchCommand.DTypeOption();
        var output = new Option<string>("--out") { Description = "Folder to make.", HelpName = "DIR", Required = true };
        var seed = new Option<long>("--seed") { Description = "Seed of the weights.", HelpName = "S" };
        var command = new Command("make-model", "Writes a Llama with random weights, for benchmarks.") { shape, dtype, output, seed };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            using var progress = new ProgressLine("writing");
            BenchmarkModel.Write(parsed.GetValue(shape)!, parsed.GetValue(dtype)!, parsed.GetValue(output)!, parsed.GetValue(seed), progress, cancellation);
            return CommandHost.Done;
        }
    }
}
