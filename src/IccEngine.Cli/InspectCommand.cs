using System.CommandLine;
using IccEngine.Models;

namespace IccEngine.Cli;

/// <summary>icc inspect: what happens inside a model, as a safetensors file.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var spans = new Option<string?>("--spans") { Description = "Spans of tokens for pooled attention, like 3:9,9:14.", HelpName = "SPANS" };
        var singles = new Option<string?>("--singles") { Description = "Single tokens for pooled attention, like 5,7.", HelpName = "POSITIONS" };
        var attention = new Option<string[]>("--attention")
        {
            Description = "Attention map of a layer, or of one head of it, like 3 or 3:0; may be given several times.",
            HelpName = "LAYER[:HEAD]",
            AllowMultipleArgumentsPerToken = true,
        };
        var output = new Option<string>("--out") { Description = "The file to write.", HelpName = "FILE.safetensors", Required = true };
        var command = new Command("inspect", "Writes logits, hidden states, attention maps and pooled attention of a prompt to a safetensors file.")
        {
            spans, singles, attention, output,
        };
        var prompt = PromptOptions.AddTo(command);
        var model = ModelOptions.AddTo(command, embedded: true);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var tap = parsed.GetValue(spans) is null && parsed.GetValue(singles) is null ? null : new TapRequest
            {
                Spans = parsed.GetValue(spans) is { } list ? PromptSource.Spans("--spans", list) : [],
                Singles = parsed.GetValue(singles) is { } positions ? PromptSource.Numbers("--singles", positions) : [],
            };
            var maps = (parsed.GetValue(attention) ?? []).Select(a => PromptSource.Map("--attention", a)).ToArray();
            using var loaded = model.Open(parsed);
            var request = new InspectRequest
            {
                Ids = prompt.Read(parsed, loaded.Model),
                Maps = maps,
                Tap = tap,
                Adapter = loaded.Adapter,
            };
            Console.WriteLine($"weights: {loaded.Model.WeightsDescription}");
            foreach (var (name, extents) in InspectionFile.Write(loaded.Model, request, parsed.GetValue(output)!, cancellation))
            {
                Console.WriteLine($"{name} [{string.Join(", ", extents)}]");
            }
            return CommandHost.Done;
        }
    }
}
