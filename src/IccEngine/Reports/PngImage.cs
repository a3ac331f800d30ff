using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace IccEngine;

/// <summary>Pictures of 256 colours as PNG (RFC 2083).</summary>
internal static class PngImage
{
    private const byte Indexed = 3;
    private static readonly uint[] _crcs = [.. Enumerable.Range(0, 256).Select(i => Enumerable.Range(0, 8).Aggregate((uint)i, (c, _) => (c & 1) == 0 ? c >> 1 : 0xedb88320 ^ (c >> 1)))];

    /// <summary>The picture as an address that holds it.</summary>
    /// <param name="pixels">[height, width], row-major: numbers of colours.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="palette">[256, 3]: red, green, blue.</param>
    public static string Address(byte[] pixels, int width, byte[] palette)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), pixels.Length / width);
        (header[8], header[9]) = (8, Indexed);
        Write(file, "IHDR", header);
        Write(file, "PLTE", palette);
        Write(file, "IDAT", Compress(pixels, width));
        Write(file, "IEND", []);
        return $"data:image/png;base64,{Convert.ToBase64String(file.ToArray())}";
    }

    private static byte[] Compress(byte[] pixels, int width)
    {
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (var at = 0; at < pixels.Length; at += width)
            {
                zlib.WriteByte(0);
                zlib.Write(pixels, at, width);
            }
        }
        return data.ToArray();
    }

    private static void Write(Stream file, string type, byte[] data)
    {
        Span<byte> number = stackalloc byte[4];
        byte[] content = [.. Encoding.ASCII.GetBytes(type), .. data];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~content.Aggregate(~0u, (crc, b) => _crcs[(byte)(crc ^ b)] ^ (crc >> 8)));
        file.Write(number);
    }
}
