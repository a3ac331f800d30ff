using System.Diagnostics;
using Xunit;

namespace IccEngine.Testing;

/// <summary>A browser without a window, where one is installed.</summary>
public static class Chromium
{
    private static readonly string[] _names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private static readonly Lazy<string?> _path = new(Find);

    /// <summary>The document of a page as its scripts leave it; the test is skipped, with the reason, where there is no browser.</summary>
    /// <param name="page">The page's file; pages beside it may be read by it.</param>
    /// <param name="dark">Whether the reader wants dark pages.</param>
    public static string Dom(string page, bool dark = false) => Run(page, dark, "--dump-dom");

    /// <summary>A picture (PNG) of a page; the test is skipped likewise.</summary>
    public static byte[] Screenshot(string page, int width, int height, bool dark = false)
    {
        using var folder = new TemporaryFolder();
        var picture = folder.At("page.png");
        Run(page, dark, $"--screenshot={picture}", $"--window-size={width},{height}");
        return File.ReadAllBytes(picture);
    }

    private static string Run(string page, bool dark, params string[] what)
    {
        Skip.If(_path.Value is null, $"no browser: neither CHROME_PATH nor one of {string.Join(", ", _names)} is there (apt-get install chromium)");
        using var profile = new TemporaryFolder();
        var start = new ProcessStartInfo(_path.Value!,
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files", "--virtual-time-budget=5000", "--hide-scrollbars",
            $"--user-data-dir={profile.Path}", $"--blink-settings=preferredColorScheme={(dark ? 0 : 1)}", .. what, new Uri(page).AbsoluteUri,
        ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"the browser did not end within {_limit}: {error.Result}");
        }
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"the browser ended with {process.ExitCode}: {error.Result}");
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CHROME_PATH") is { Length: > 0 } named && File.Exists(named))
        {
            return named;
        }
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return _names.SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }
}
