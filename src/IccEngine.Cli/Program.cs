using System.CommandLine;
using IccEngine.Cli;

var root = new RootCommand("Clusters points with a language model: by the attention between them, or by the model's own answer.")
{
    ClusterCommand.Create(),
    ClusterTextCommand.Create(),
    DataCommand.Create(),
    EvalCommand.Create(),
    InspectCommand.Create(),
    GenerateCommand.Create(),
    BenchCommand.Create(),
    ProfileCommand.Create(),
    DevicesCommand.Create(),
};
return await CommandHost.RunAsync(root, args);
