using IccEngine.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace IccEngine.Architecture.Tests;

/// <summary>A file of the repository: its path from the root, with forward slashes, and its text.</summary>
internal sealed record TextFile(string Path, string Text)
{
    private readonly Lazy<SyntaxNode> _syntax = new(() => CSharpSyntaxTree.ParseText(Text, path: Path).GetRoot());

    /// <summary>The text as C#.</summary>
    public SyntaxNode Syntax => _syntax.Value;

    /// <summary>The project below src whose folder holds the file, or null.</summary>
    public string? Project => Path.Split('/') is ["src", var project, _, ..] ? project : null;

    /// <summary>path:line of a place in the file.</summary>
    public string At(int offset) => $"{Path}:{Text.AsSpan(0, offset).Count('\n') + 1}";
}

/// <summary>A project below src.</summary>
internal sealed record SourceProject(string Name, string Assembly, TextFile File)
{
    /// <summary>The compiled assembly, beside the tests.</summary>
    public string AssemblyPath => System.IO.Path.Combine(AppContext.BaseDirectory, Assembly + ".dll");
}

/// <summary>The files of this checkout, without what is built, ignored or a golden.</summary>
internal static class Checkout
{
    // As .gitignore.
    private static readonly HashSet<string> _ignored =
        [".git", ".vs", "bin", "obj", "artifacts", "node_modules", "TestResults", "BenchmarkDotNet.Artifacts"];

    /// <summary>All text files.</summary>
    public static IReadOnlyList<TextFile> TextFiles { get; } = [.. Walk(new DirectoryInfo(Goldens.Repository), "")];

    /// <summary>All C# files.</summary>
    public static IReadOnlyList<TextFile> CSharpFiles { get; } = WithExtension(".cs");

    /// <summary>Everything that MSBuild reads.</summary>
    public static IReadOnlyList<TextFile> BuildFiles { get; } = WithExtension(".csproj", ".props", ".targets");

    /// <summary>The projects below src.</summary>
    public static IReadOnlyList<SourceProject> Projects { get; } =
    [
        .. BuildFiles.Where(f => f.Project is not null && f.Path.EndsWith(".csproj", StringComparison.Ordinal)).Select(f =>
        {
            var name = Path.GetFileNameWithoutExtension(f.Path);
            return new SourceProject(name, BuildFile.Property(f, "AssemblyName") ?? name, f);
        }),
    ];

    private static TextFile[] WithExtension(params string[] extensions) =>
        [.. TextFiles.Where(f => extensions.Contains(Path.GetExtension(f.Path)))];

    private static IEnumerable<TextFile> Walk(DirectoryInfo folder, string prefix)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos().OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            var path = prefix + entry.Name;
            if (_ignored.Contains(entry.Name) || path == "tests/goldens")
            {
                continue;
            }
            if (entry is DirectoryInfo inner)
            {
                foreach (var file in Walk(inner, path + "/"))
                {
                    yield return file;
                }
            }
            else if (!IsBinary(entry.FullName))
            {
                yield return new TextFile(path, File.ReadAllText(entry.FullName));
            }
        }
    }

    private static bool IsBinary(string path)
    {
        Span<byte> head = stackalloc byte[8192];
        using var stream = File.OpenRead(path);
        return head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)].Contains((byte)0);
    }
}
