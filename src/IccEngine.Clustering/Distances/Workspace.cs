using IccEngine.Core;

namespace IccEngine.Clustering;

/// <summary>Memory that grows with the square of the points: asked for only where it can be had.</summary>
internal static class Workspace
{
    /// <summary>An array of zeros.</summary>
    /// <param name="count">Its length.</param>
    /// <param name="what">What it holds, for the message.</param>
    /// <exception cref="IccMemoryException">It is longer than an array can be, or than this machine's memory.</exception>
    public static double[] Doubles(long count, string what)
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (count > Array.MaxLength || count > available / sizeof(double))
        {
            throw new IccMemoryException(FormattableString.Invariant(
                $"{what}: {(decimal)count * sizeof(double):N0} bytes of memory are needed in one piece; this machine has {available:N0}, and {(long)Array.MaxLength * sizeof(double):N0} is the most"));
        }
        try
        {
            return new double[count];
        }
        catch (OutOfMemoryException e)
        {
            throw new IccMemoryException(FormattableString.Invariant($"{what}: no memory for {count * sizeof(double):N0} bytes"), e);
        }
    }
}
