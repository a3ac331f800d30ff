using IccEngine.Testing;
using Xunit;

namespace IccEngine.Architecture.Tests;

/// <summary>
/// The public surface of every assembly against its reviewed file in PublicApi. With ICC_UPDATE_PUBLIC_API=1 the files are written anew;
/// the tests fail then, for somebody has to read the difference before it is committed.
/// </summary>
public class PublicApiTests
{
    private static string Folder { get; } = Path.Combine(Goldens.Repository, "tests", "IccEngine.Architecture.Tests", "PublicApi");

    public static TheoryData<string> Assemblies { get; } = [.. Checkout.Projects.Select(p => p.Assembly)];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void SurfaceIsTheReviewedOne(string assembly)
    {
        var found = PublicApi.Describe(Path.Combine(AppContext.BaseDirectory, assembly + ".dll"));
        var path = Path.Combine(Folder, assembly + ".txt");
        if (Environment.GetEnvironmentVariable("ICC_UPDATE_PUBLIC_API") == "1")
        {
            File.WriteAllText(path, string.Concat(found.Select(l => l + "\n")));
            Assert.Fail($"{assembly}.txt was written anew; review its difference, commit it, and run without ICC_UPDATE_PUBLIC_API");
        }
        Assert.True(File.Exists(path), $"PublicApi/{assembly}.txt is missing; ICC_UPDATE_PUBLIC_API=1 writes it");
        var reviewed = File.ReadAllLines(path);
        Assert.True(found.SequenceEqual(reviewed), Difference(assembly, found, reviewed));
    }

    [Fact]
    public void EveryReviewedFileHasItsAssembly() =>
        Report.Empty(Directory.EnumerateFiles(Folder).Select(f => Path.GetFileNameWithoutExtension(f))
            .Except(Checkout.Projects.Select(p => p.Assembly)).Select(n => $"PublicApi/{n}.txt: there is no such assembly below src"));

    [Fact]
    public void SurfaceHasTypesMembersAndNullability()
    {
        var lines = PublicApi.Describe(typeof(Subject).Assembly.Location);
        var at = Array.IndexOf(lines, "abstract class IccEngine.Architecture.Tests.PublicApiTests.Subject : IDisposable");
        Assert.True(at >= 0, string.Join(Environment.NewLine, lines));
        string[] members =
        [
            "  protected Subject()",
            "  protected abstract void Hook(ref int x)",
            "  public T? Find<T>(string? name = null, int most = 3) where T : class",
            "  public int Count { get; init; }",
            "  public void Dispose()",
        ];
        Assert.Equal(members, lines.Skip(at + 1).TakeWhile(l => l.StartsWith(' ')));
    }

    private static string Difference(string assembly, string[] found, string[] reviewed)
    {
        var lines = found.Except(reviewed).Select(l => "+ " + l.Trim()).Concat(reviewed.Except(found).Select(l => "- " + l.Trim()));
        return $"the public surface of {assembly} is not that of PublicApi/{assembly}.txt (ICC_UPDATE_PUBLIC_API=1 writes it anew):"
            + Environment.NewLine + string.Join(Environment.NewLine, lines);
    }

    /// <summary>A surface to describe.</summary>
    public abstract class Subject : IDisposable
    {
        public int Count { get; init; }

        internal int Hidden { get; set; }

        public T? Find<T>(string? name = null, int most = 3) where T : class => name?.Length > most ? default : null;

        public void Dispose() => GC.SuppressFinalize(this);

        protected abstract void Hook(ref int x);
    }
}
