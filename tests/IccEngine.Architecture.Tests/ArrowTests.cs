using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace IccEngine.Architecture.Tests;

/// <summary>Who may know whom, in the project files, in the compiled assemblies and in the sources.</summary>
public class ArrowTests
{
    // Core has the naive twin among its public types; the others are whole projects.
    private static readonly string[] _backendNamespaces = ["IccEngine.Cpu", "IccEngine.Cuda"];
    private static readonly string[] _backendTypes = ["CpuBackend", "CudaBackend", "ReferenceBackend"];

    [Fact]
    public void ProjectFilesReferenceWhatTheirLayerMay()
    {
        Assert.NotEmpty(Checkout.Projects);
        Report.Empty(Checkout.Projects.SelectMany(p => BuildFile.WrongArrows(p.File, p.Name)));
    }

    [Theory]
    [InlineData("IccEngine.Formats", """<Project><ItemGroup><ProjectReference Include="../IccEngine.Models/IccEngine.Models.csproj" /></ItemGroup></Project>""")]
    [InlineData("IccEngine.Core", """<Project><ItemGroup><ProjectReference Include="..\IccEngine.Cpu\IccEngine.Cpu.csproj" /></ItemGroup></Project>""")]
    [InlineData("IccEngine.Cli", """<Project><ItemGroup><ProjectReference Include="../IccEngine.Core/IccEngine.Core.csproj" /></ItemGroup></Project>""")]
    [InlineData("IccEngine.Models", """<Project><ItemGroup><Reference Include="IccEngine.Cpu" /></ItemGroup></Project>""")]
    [InlineData("IccEngine.Utilities", "<Project />")]
    public void AWrongArrowIsFound(string project, string text) =>
        Assert.Single(BuildFile.WrongArrows(new TextFile("x.csproj", text), project));

    [Fact]
    public void SharedBuildFilesAddNoArrows() =>
        Report.Empty(
            from file in Checkout.BuildFiles
            where !file.Path.EndsWith(".csproj", StringComparison.Ordinal)
            where BuildFile.Elements(file, "ProjectReference").Concat(BuildFile.Elements(file, "Reference")).Any()
            select $"{file.Path}: references belong in the project files");

    [Fact]
    public void AssembliesReferenceWhatTheirLayerMay()
    {
        var projects = Checkout.Projects.ToDictionary(p => p.Assembly, p => p.Name);
        Report.Empty(
            from project in Checkout.Projects
            let reachable = Layers.Reachable(project.Name)
            from reference in AssemblyReferences(project)
            where projects.ContainsKey(reference) && !reachable.Contains(projects[reference])
            select $"{project.Assembly}.dll references {reference}.dll; allowed: {string.Join(", ", reachable)}");
    }

    [Fact]
    public void NamespacesTellTheProject() =>
        Report.Empty(
            from file in Checkout.CSharpFiles
            where file.Project is not null
            from space in SourceRules.Namespaces(file)
            where Layers.Owner(space) != file.Project
            select $"{file.Path}: namespace {space}; expected {file.Project} or one below it that is no other project's");

    [Fact]
    public void OnlyTheFacadeNamesABackend() =>
        Report.Empty(
            from file in Checkout.CSharpFiles
            where Layers.BackendBlind.Contains(file.Project)
            from name in _backendNamespaces.Concat(_backendTypes)
            from place in SourceRules.Words(file, name)
            select $"{place}: {name}; expected IBackend alone");

    [Fact]
    public void OnlyTheFacadeUsesABackend() =>
        Report.Empty(
            from project in Checkout.Projects
            where Layers.BackendBlind.Contains(project.Name)
            from type in TypeReferences(project)
            where _backendNamespaces.Contains(type.Assembly) || (type.Assembly == "IccEngine.Core" && type.Name.StartsWith("Reference", StringComparison.Ordinal))
            select $"{project.Assembly}.dll uses {type.Assembly}: {type.Name}; expected IBackend alone");

    [Fact]
    public void TheCommandSeesTheFacadeAndWhatIsListed()
    {
        var cli = Assert.Single(Checkout.Projects, p => p.Name == "IccEngine.Cli");
        var seen = TypeReferences(cli).Where(t => t.Assembly.StartsWith("IccEngine.", StringComparison.Ordinal)).Order();
        Assert.Equal(Layers.SeenByCli.Select(t => (t.Project, t.Name)).Order(), seen);
    }

    [Fact]
    public void ReferencesAreReadFromAssemblies()
    {
        var formats = Checkout.Projects.Single(p => p.Name == "IccEngine.Formats");
        Assert.Contains("IccEngine.Core", AssemblyReferences(formats));
        Assert.Contains(TypeReferences(formats), t => t.Assembly.StartsWith("IccEngine.", StringComparison.Ordinal));
    }

    [Fact]
    public void WordsAreFoundWhole()
    {
        var file = new TextFile("x.cs", "using IccEngine.Cpu;\n// a CpuBackend, no CpuBackends\n");
        Assert.Equal(["x.cs:1"], SourceRules.Words(file, "IccEngine.Cpu"));
        Assert.Equal(["x.cs:2"], SourceRules.Words(file, "CpuBackend"));
        Assert.Equal("IccEngine.Cli", Layers.Owner("IccEngine.Cli.Reports"));
        Assert.Equal("IccEngine", Layers.Owner("IccEngine.Clusters"));
    }

    private static string[] AssemblyReferences(SourceProject project)
    {
        using var image = new PEReader(File.OpenRead(project.AssemblyPath));
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name))];
    }

    private static (string Assembly, string Name)[] TypeReferences(SourceProject project)
    {
        using var image = new PEReader(File.OpenRead(project.AssemblyPath));
        var metadata = image.GetMetadataReader();
        return
        [
            .. from handle in metadata.TypeReferences
               let type = metadata.GetTypeReference(handle)
               where type.ResolutionScope.Kind == HandleKind.AssemblyReference
               let assembly = metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope)
               select (metadata.GetString(assembly.Name), metadata.GetString(type.Name)),
        ];
    }
}
