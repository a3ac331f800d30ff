namespace IccEngine.Testing;

/// <summary>Where the expected values of the reference libraries are.</summary>
public static class Goldens
{
    /// <summary>
    /// The folder named by ICC_GOLDENS_ROOT, else tests/goldens of this checkout. Layout: models/, tokenizers/, lora/, clustering/.
    /// </summary>
    public static string Root { get; } = Find();

    /// <summary>A path below <see cref="Root"/>.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Names of the folders below <paramref name="area"/> that hold a cases.json; empty where the area is missing.</summary>
    public static IEnumerable<string> Folders(string area) =>
        !Directory.Exists(At(area))
            ? []
            : Directory.EnumerateDirectories(At(area)).Where(d => File.Exists(Path.Combine(d, "cases.json")))
                .Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal);

    /// <summary>The checkout's own root.</summary>
    public static string Repository { get; } = FindRepository();

    private static string Find()
    {
        var named = Environment.GetEnvironmentVariable("ICC_GOLDENS_ROOT");
        return string.IsNullOrEmpty(named) ? Path.Combine(FindRepository(), "tests", "goldens") : Path.GetFullPath(named);
    }

    private static string FindRepository()
    {
        for (var d = new DirectoryInfo(AppContext.BaseDirectory); d is not null; d = d.Parent)
        {
            if (File.Exists(Path.Combine(d.FullName, "IccEngine.sln")))
            {
                return d.FullName;
            }
        }
        throw new InvalidOperationException("IccEngine.sln was not found above the tests");
    }
}
