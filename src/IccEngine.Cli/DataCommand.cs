using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc data: generated episodes.</summary>
internal static class DataCommand
{
    public static Command Create()
    {
        var spec = new Argument<string>("SPEC")
        {
            Description = "Which episodes: a kind (t, lognormal, normal, anisotropic, imbalanced, density, rings, moons) and what differs from the"
                + " defaults, like t:df=1/2/5,c=3,d=2/3,n=10..50,count=100,seed=0. A slash makes cells, two points a range.",
        };
        var output = new Option<string>("--out") { Description = "File to write: JSON lines, an episode each.", HelpName = "FILE", Required = true };
        var csv = new Option<bool>("--csv") { Description = "Write a single episode as a table with a column class." };
        var command = new Command("data", "Generates points whose clusters are known.") { spec, output, csv };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var path = parsed.GetValue(output)!;
            using (var progress = new ProgressLine("generating"))
            {
                var written = GeneratedEpisodes.Write(parsed.GetValue(spec)!, path, parsed.GetValue(csv), progress, cancellation);
                Console.WriteLine($"{path}: {written.Count} episodes, {written}");
            }
            return CommandHost.Done;
        }
    }
}
