using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>A tensor to write: what the header says of it, and how its bytes come.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="DType">Element type.</param>
/// <param name="Extents">Extents, row-major.</param>
/// <param name="Write">Writes exactly the tensor's bytes, little-endian, in as many pieces as it likes.</param>
public sealed record SafeTensorsItem(string Name, DType DType, IReadOnlyList<long> Extents, Action<Stream> Write)
{
    /// <summary>A tensor in host memory, under its own name or another one.</summary>
    public static SafeTensorsItem From(HostTensor tensor, string? name = null) =>
        new(name ?? tensor.Name, tensor.DType, tensor.Extents, stream =>
        {
            for (long at = 0; at < tensor.ByteLength;)
            {
                var part = (int)Math.Min(1 << 20, tensor.ByteLength - at);
                stream.Write(tensor.Bytes(at, part));
                at += part;
            }
        });
}

/// <summary>
/// Writes safetensors files as the reference library does: tensors by falling alignment and then by name, the header padded with
/// spaces to a multiple of 8 bytes. The bytes stream through; no tensor has to be in memory as a whole.
/// </summary>
public static class SafeTensorsWriter
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a file, whole or not at all (<see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors, in any order.</param>
    /// <param name="metadata">Free-form metadata for the header.</param>
    /// <param name="cancellation">Checked before each piece is written.</param>
    /// <exception cref="IccArgumentException">A name is there twice or reserved, a shape is impossible, or a tensor wrote more or fewer bytes than its shape has.</exception>
    /// <exception cref="IccFormatException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void Write(string path, IEnumerable<SafeTensorsItem> tensors, IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellation = default)
    {
        var sorted = tensors.OrderByDescending(t => DTypeNames.RankOf(t.DType)).ThenBy(t => t.Name, Utf8Order).ToList();
        var lengths = sorted.ConvertAll(ByteLength);
        var header = Header(sorted, lengths, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            for (var i = 0; i < sorted.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = new TensorStream(stream, sorted[i].Name, lengths[i], cancellation);
                sorted[i].Write(part);
                part.CheckComplete();
            }
            cancellation.ThrowIfCancellationRequested();
        });
    }

    // The reference sorts by the UTF-8 bytes, which is the order of the code points.
    private static readonly IComparer<string> Utf8Order =
        Comparer<string>.Create((a, b) => System.Text.Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(b)));

    private static long ByteLength(SafeTensorsItem item)
    {
        try
        {
            return item.Extents.Any(e => e < 0) || item.Extents.Count > SafeTensorsHeader.MaxRank
                ? throw new OverflowException()
                : item.DType.Bytes(item.Extents.Aggregate(1L, (n, extent) => checked(n * extent)));
        }
        catch (Exception e) when (e is OverflowException or ArgumentException)
        {
            throw new IccArgumentException($"tensor '{item.Name}': the extents [{string.Join(", ", item.Extents)}] are no shape for {item.DType}");
        }
    }

    private static byte[] Header(List<SafeTensorsItem> items, List<long> lengths, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
                {
                    json.WriteString(key, value);
                }
                json.WriteEndObject();
            }
            WriteEntries(json, items, lengths);
            json.WriteEndObject();
        }
        var length = (buffer.WrittenCount + 7) / 8 * 8;
        if (length > SafeTensorsHeader.MaxLength)
        {
            throw new IccArgumentException($"the header of {items.Count} tensors takes {length} bytes, expected at most {SafeTensorsHeader.MaxLength}");
        }
        var header = new byte[length];
        header.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header);
        return header;
    }

    private static void WriteEntries(Utf8JsonWriter json, List<SafeTensorsItem> items, List<long> lengths)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        long offset = 0;
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            if (item.Name == "__metadata__" || !names.Add(item.Name))
            {
                throw new IccArgumentException($"tensor '{item.Name}': the name is {(item.Name == "__metadata__" ? "reserved" : "there twice")}");
            }
            json.WriteStartObject(item.Name);
            json.WriteString("dtype", DTypeNames.NameOf(item.DType));
            json.WriteStartArray("shape");
            foreach (var extent in item.Extents)
            {
                json.WriteNumberValue(extent);
            }
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += lengths[i]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    /// <summary>The place of one tensor in the file: passes bytes on and counts them.</summary>
    private sealed class TensorStream(Stream inner, string name, long length, CancellationToken cancellation) : Stream
    {
        private long _written;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _written;

        public override long Position { get => _written; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            cancellation.ThrowIfCancellationRequested();
            _written += buffer.Length;
            if (_written > length)
            {
                throw Wrong("more");
            }
            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() { }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public void CheckComplete()
        {
            if (_written < length)
            {
                throw Wrong("fewer");
            }
        }

        private IccArgumentException Wrong(string how) =>
            new($"tensor '{name}': wrote {how} bytes than the {length} that its shape has");
    }
}
