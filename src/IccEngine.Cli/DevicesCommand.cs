using System.CommandLine;

namespace IccEngine.Cli;

/// <summary>icc devices: where this machine can compute.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", "Lists the devices of this machine, for --device.");
        command.SetAction((_, _) => Task.FromResult(Run()));
        return command;
    }

    private static int Run()
    {
        foreach (var (name, description) in Device.List())
        {
            Console.WriteLine($"{name,-10} {description}");
        }
        return CommandHost.Done;
    }
}
