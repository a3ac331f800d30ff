using System.CommandLine;
using IccEngine.Core;

namespace IccEngine.Cli;

/// <summary>icc generate: text, streamed where it is one.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var most = new Option<int>("--max-new-tokens") { Description = "Tokens at most.", HelpName = "N", DefaultValueFactory = _ => 256 };
        var temperature = new Option<double>("--temperature") { Description = "Divides the logits; 0: always the likeliest token.", HelpName = "T" };
        var topK = new Option<int>("--top-k") { Description = "Draws from the k likeliest tokens; 0: from all.", HelpName = "K" };
        var topP = new Option<double>("--top-p")
        {
            Description = "Draws from the likeliest tokens that have this probability together; 1: from all.",
            HelpName = "P",
            DefaultValueFactory = _ => 1,
        };
        var minP = new Option<double>("--min-p") { Description = "Draws from tokens at least this times as likely as the likeliest.", HelpName = "P" };
        var seed = new Option<long>("--seed") { Description = "Equal seeds give equal texts.", HelpName = "SEED" };
        var n = new Option<int>("--n") { Description = "How many texts, a line after each; the prompt is read once.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var command = new Command("generate", "Continues a prompt, greedily unless a temperature is given.");
        var prompt = PromptOptions.AddTo(command);
        foreach (var option in new Option[] { most, temperature, topK, topP, minP, seed, n })
        {
            command.Options.Add(option);
        }
        var model = ModelOptions.AddTo(command, embedded: false);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var sampling = new SamplingOptions(parsed.GetValue(temperature), parsed.GetValue(topK), parsed.GetValue(topP), parsed.GetValue(minP));
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
