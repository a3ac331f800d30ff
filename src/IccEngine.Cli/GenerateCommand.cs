using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc generate: greedy text, streamed.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var ids = new Option<string?>("--ids") { Description = "Token ids of the prompt, like 1,2,3.", HelpName = "IDS" };
        var prompt = new Option<string?>("--prompt") { Description = "Text of the prompt.", HelpName = "TEXT" };
        var chat = new Option<string?>("--chat") { Description = "JSON file of messages with role and content.", HelpName = "FILE" };
        var most = new Option<int>("--max-new-tokens") { Description = "Tokens at most.", HelpName = "N", DefaultValueFactory = _ => 256 };
        var command = new Command("generate", "Continues a prompt greedily.") { ids, prompt, chat, most };
        var model = ModelOptions.AddTo(command, embedded: false);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), cancellation));
        return command;

        int Run(ParseResult parsed, CancellationToken cancellation)
        {
            using var loaded = model.Open(parsed);
            var tokens = PromptSource.Read(loaded.Model, parsed.GetValue(ids), parsed.GetValue(prompt), parsed.GetValue(chat));
            foreach (var piece in loaded.Model.Generate(tokens, parsed.GetValue(most), loaded.Adapter, null, cancellation))
            {
                Console.Out.Write(piece);
                Console.Out.Flush();
            }
            Console.Out.WriteLine();
            return CommandHost.Done;
        }
    }
}
