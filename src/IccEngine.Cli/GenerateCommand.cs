using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc generate: text, streamed where it is one.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var most = new Option<int>("--max-new-tokens") { Description = "Tokens at most.", HelpName = "N", DefaultValueFactory = _ => 256 };
        var seed = new Option<long>("--seed") { Description = "Equal seeds give equal texts.", HelpName = "SEED" };
        var n = new Option<int>("--n") { Description = "How many texts, a line after each; the prompt is read once.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = new Command("generate", "Continues a prompt, greedily unless a temperature is given.");
        var prompt = PromptOptions.AddTo(command);
        foreach (var option in new Option[] { most, seed, n })
        {
            command.Options.Add(option);
        }
        var draws = SamplingArguments.AddTo(command);
        var model = ModelOptions.AddTo(command, embedded: false);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var sampling = draws.Read(parsed);
            var (samples, length, start) = (parsed.GetValue(n), parsed.GetValue(most), parsed.GetValue(seed));
            using var loaded = model.Open(parsed);
            var tokens = prompt.Read(parsed, loaded.Model);
            if (samples == 1)
            {
                foreach (var piece in loaded.Model.Generate(tokens, length, loaded.Adapter, null, sampling, start, cancellation))
                {
                    Console.Out.Write(piece);
                    Console.Out.Flush();
                }
                Console.Out.WriteLine();
                return CommandHost.Done;
            }
            foreach (var text in loaded.Model.GenerateSamples(tokens, samples, sampling, start, length, loaded.Adapter, null, cancellation))
            {
                Console.Out.WriteLine(text.Text);
            }
            return CommandHost.Done;
        }
    }
}
