using System.Text;

namespace IccEngine.Formats.Tests;

/// <summary>Makes files by hand, right and wrong ones.</summary>
internal static class SafeTensorsBytes
{
    public const string Good = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"U8","shape":[3],"data_offsets":[16,19]},"c":{"dtype":"BF16","shape":[0],"data_offsets":[19,19]}}""";

    public const int GoodData = 19;

    public static byte[] Make(string header, int dataLength) => Make(Encoding.UTF8.GetBytes(header), dataLength);

    public static byte[] Make(byte[] header, int dataLength)
    {
        var data = Enumerable.Range(0, dataLength).Select(i => (byte)i).ToArray();
        return [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. data];
    }
}
