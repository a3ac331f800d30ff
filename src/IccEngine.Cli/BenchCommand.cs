using System.CommandLine;
using System.CommandLine.Parsing;

namespace IccEngine.Cli;

/// <summary>icc bench: how fast operations and models are here.</summary>
internal static class BenchCommand
{
    private static readonly Dictionary<string, (BenchmarkSubject Subject, string Description)> Subjects = new()
    {
        ["machine"] = (BenchmarkSubject.Machine, "Limits of the processor: peak of a * b + c in registers, bandwidth of reading memory."),
        ["gemm"] = (BenchmarkSubject.Gemm, "Linear layers: 2 * rows * in * out operations; for one row the bytes of the weight."),
        ["attention"] = (BenchmarkSubject.Attention, "Causal attention alone: 4 * heads * headDim operations for every pair of query and key."),
        ["rmsnorm"] = (BenchmarkSubject.RmsNorm, "RMSNorm: 8 bytes an element."),
        ["kvcache"] = (BenchmarkSubject.KvCache, "Rotary embedding and the write to the cache: bytes read and written."),
        ["prefill"] = (BenchmarkSubject.Prefill, "A prompt through the whole model: operations of the linear layers, the attention and the last logits."),
        ["decode"] = (BenchmarkSubject.Decode, "Tokens one after another: bytes of the weights for each."),
        ["taps"] = (BenchmarkSubject.Taps, "What taps add to the seconds of a prefill, in percent."),
        ["pass"] = (BenchmarkSubject.Pass, "A pass over the weights for --batch tokens, of one sequence and of several: a curve."),
        ["packed"] = (BenchmarkSubject.Packed, "--batch episodes of --tokens tokens (64 of 300) on the embedded model: packed, one after another, step by step."),
        ["spectral"] = (BenchmarkSubject.Spectral, "Five eigenvectors, and spectral clustering, of dense matrices of --tokens rows (200, 4000)."),
        ["startup"] = (BenchmarkSubject.Startup, "The embedded model on 50 points: the first prediction in this process, and the next ones."),
        ["all"] = (BenchmarkSubject.All, "All of them."),
    };

    public static Command Create()
    {
        var command = new Command("bench", "Measures speed: medians, and their share of what this machine can do (docs/performance.md).");
        foreach (var (name, (subject, description)) in Subjects)
        {
            command.Subcommands.Add(Create(name, subject, description));
        }
        command.Subcommands.Add(MakeModelCommand.Create());
        var list = new Option<bool>("--list") { Description = "List what can be measured." };
        command.Options.Add(list);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(list) && !result.Children.Any(c => c is CommandResult))
            {
                result.AddError($"what to measure is missing; expected {string.Join(", ", Subjects.Keys)}, make-model, or --list.");
            }
        });
        command.SetAction(_ => List());
        return command;
    }

    private static int List()
    {
        foreach (var (name, (_, description)) in Subjects)
        {
            Console.WriteLine($"{name,-10} {description}");
        }
        return CommandHost.Done;
    }

    /// <summary>An option of a type of weights.</summary>
    public static Option<string> DTypeOption()
    {
        var option = new Option<string>("--dtype") { Description = "Type of random weights.", DefaultValueFactory = _ => BenchmarkModel.DTypes[0] };
        option.AcceptOnlyFromAmong([.. BenchmarkModel.DTypes]);
        return option;
    }

    private static Command Create(string name, BenchmarkSubject subject, string description)
    {
        var shape = new Option<string?>("--shape") { Description = $"Random weights of this shape: {string.Join(", ", BenchmarkModel.Shapes)}; left out: 1b.", HelpName = "SHAPE" };
        var model = new Option<string?>("--model") { Description = "Folder of a model instead of a shape.", HelpName = "DIR" };
        var dtype = DTypeOption();
        var tokens = new Option<string?>("--tokens") { Description = "Tokens of the prompts, or rows of the operations, like 512,2048.", HelpName = "LIST" };
        var batch = new Option<string?>("--batch") { Description = "Tokens or sequences of a pass, like 1,4,16; episodes of packed.", HelpName = "LIST" };
        var spans = new Option<string>("--spans") { Description = "Numbers of spans that are tapped, like 50,200.", HelpName = "LIST", DefaultValueFactory = _ => "200" };
        var repeat = new Option<int>("--repeat") { Description = "Runs of each figure; those above a minute are done three times at most.", HelpName = "N", DefaultValueFactory = _ => 5 };
        var device = new Option<string>("--device") { Description = $"Where to compute: {Device.Choices}.", HelpName = "NAME", DefaultValueFactory = _ => Device.Names[0] };
        var quantize = ModelOptions.QuantizeOption();
        var compute = ModelOptions.ComputeOption("--compute-dtype");
        var threads = new Option<int>("--threads") { Description = "Threads of the cpu; 0: one for every core.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var csv = new Option<bool>("--csv") { Description = "Print comma-separated values." };
        var command = new Command(name, description) { shape, model, dtype, tokens, batch, spans, repeat, device, compute, quantize, threads, json, csv };
        command.Validators.Add(result =>
        {
            if (result.GetValue(json) && result.GetValue(csv))
            {
                result.AddError("--json and --csv: expected one of them.");
            }
        });
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            var options = new BenchmarkOptions
            {
                Subject = subject,
                Shape = parsed.GetValue(shape),
                Model = parsed.GetValue(model),
                DType = parsed.GetValue(dtype)!,
                Tokens = parsed.GetValue(tokens) is { } list ? PromptSource.Numbers("--tokens", list) : null,
                Batch = parsed.GetValue(batch) is { } sizes ? PromptSource.Numbers("--batch", sizes) : null,
                Spans = PromptSource.Numbers("--spans", parsed.GetValue(spans)!),
                Repeat = parsed.GetValue(repeat),
                Device = parsed.GetValue(device)!,
                Quantize = parsed.GetValue(quantize)!,
                ComputeDType = parsed.GetValue(compute)!,
                Threads = parsed.GetValue(threads),
            };
            BenchmarkReport report;
            using (var progress = new ProgressLine("measuring"))
            {
                report = Benchmark.Run(options, progress, cancellation);
            }
            if (parsed.GetValue(json))
            {
                BenchReport.WriteJson(report, Console.Out);
            }
            else if (parsed.GetValue(csv))
            {
                BenchReport.WriteCsv(report, Console.Out);
            }
            else
            {
                BenchReport.WriteTable(report, Console.Out);
            }
            return CommandHost.Done;
        }
    }
}
