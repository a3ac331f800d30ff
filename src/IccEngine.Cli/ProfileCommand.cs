using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc profile: where the time and the memory of a prefill go.</summary>
internal static class ProfileCommand
{
    public static Command Create()
    {
        var model = new Option<string?>("--model") { Description = "Folder of a model; left out: the embedded model.", HelpName = "DIR" };
        var tokens = new Option<int>("--tokens") { Description = "Tokens of the prompt.", HelpName = "N", DefaultValueFactory = _ => 512 };
        var spans = new Option<int>("--spans") { Description = "Spans that are tapped in all layers; 0: no taps.", HelpName = "S" };
        var trace = new Option<string?>("--trace") { Description = "Write a trace for chrome://tracing or Perfetto.", HelpName = "FILE.json" };
        var device = new Option<string>("--device") { Description = $"Where to compute: {Device.Choices}.", HelpName = "NAME", DefaultValueFactory = _ => Device.Names[0] };
        var threads = new Option<int>("--threads") { Description = "Threads of the cpu; 0: one for every core.", HelpName = "N" };
        var quantize = ModelOptions.QuantizeOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of tables." };
        var command = new Command("profile", "Shows where the time and the memory of a prefill go: by operation, by layer, and as a trace.")
        {
            model, tokens, spans, trace, device, threads, quantize, json,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var report = Profiler.Run(
                new ProfileOptions
                {
                    Model = parsed.GetValue(model),
                    Tokens = parsed.GetValue(tokens),
                    Spans = parsed.GetValue(spans),
                    Device = parsed.GetValue(device)!,
                    Threads = parsed.GetValue(threads),
                    Quantize = parsed.GetValue(quantize)!,
                },
                cancellation);
            if (parsed.GetValue(trace) is { } file)
            {
                ChromeTrace.Write(report, file);
            }
            if (parsed.GetValue(json))
            {
                ProfilePrinter.WriteJson(report, Console.Out);
            }
            else
            {
                ProfilePrinter.WriteTables(report, Console.Out);
            }
            return CommandHost.Done;
        }
    }
}
