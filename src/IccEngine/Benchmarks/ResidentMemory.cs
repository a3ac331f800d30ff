using System.Globalization;

namespace IccEngine;

/// <summary>The most memory that this process had resident, as Linux counts it: mapped files included.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status";
    private const string ClearReferences = "/proc/self/clear_refs";

    /// <summary>Begins to count anew.</summary>
    /// <returns>False where the system does not count, or does not let it be reset.</returns>
    public static bool TryResetPeak()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }
        try
        {
            File.WriteAllText(ClearReferences, "5"); // proc(5): resets the peak resident set size
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The peak in bytes, since the start or the last reset; null where the system does not count.</summary>
    public static long? Peak()
    {
        const string name = "VmHWM:";
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        var line = File.ReadLines(Status).FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line.AsSpan(name.Length).Trim().TrimEnd("kB ").Trim(), CultureInfo.InvariantCulture);
    }
}
