using System.Xml.Linq;

namespace IccEngine.Architecture.Tests;

/// <summary>What a csproj, props or targets file says.</summary>
internal static class BuildFile
{
    /// <summary>The last value of a property, or null.</summary>
    public static string? Property(TextFile file, string name) => Elements(file, name).LastOrDefault()?.Value;

    /// <summary>All elements of a name, wherever they stand.</summary>
    public static IEnumerable<XElement> Elements(TextFile file, string name) =>
        XDocument.Parse(file.Text).Descendants().Where(e => e.Name.LocalName == name);

    /// <summary>Names of the projects that the file references; a file that is no project below src is refused an arrow altogether.</summary>
    public static IEnumerable<string> WrongArrows(TextFile file, string project)
    {
        if (!Layers.Arrows.TryGetValue(project, out var allowed))
        {
            yield return $"{file.Path}: {project} is not a project of the house; expected one of {string.Join(", ", Layers.Arrows.Keys)}";
            yield break;
        }
        foreach (var reference in Elements(file, "ProjectReference"))
        {
            var target = Path.GetFileNameWithoutExtension(((string?)reference.Attribute("Include") ?? "").Replace('\\', '/'));
            if (!allowed.Contains(target))
            {
                yield return $"{file.Path}: {project} -> {target}; allowed: {(allowed.Length == 0 ? "none" : string.Join(", ", allowed))}";
            }
        }
        foreach (var reference in Elements(file, "Reference"))
        {
            yield return $"{file.Path}: a reference to the file {(string?)reference.Attribute("Include")}; expected projects and packages only";
        }
    }
}
