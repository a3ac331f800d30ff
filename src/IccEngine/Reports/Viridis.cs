namespace IccEngine;

/// <summary>
/// The colours of maps: matplotlib's viridis (Smith and van der Walt 2015; CC0), whose lightness grows evenly, also for the colour-blind.
/// </summary>
internal static class Viridis
{
    // Ten of its 256 colours at equal distances; between them lie mixtures.
    private static readonly int[] _anchors = [0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725];

    /// <summary>[256, 3]: red, green, blue.</summary>
    public static byte[] Palette { get; } = [.. Enumerable.Range(0, 256).SelectMany(Colour)];

    private static IEnumerable<byte> Colour(int i)
    {
        var at = i / 255.0 * (_anchors.Length - 1);
        var left = Math.Min((int)at, _anchors.Length - 2);
        foreach (var shift in new[] { 16, 8, 0 })
        {
            var (a, b) = ((_anchors[left] >> shift) & 255, (_anchors[left + 1] >> shift) & 255);
            yield return (byte)Math.Round(a + (at - left) * (b - a));
        }
    }
}
