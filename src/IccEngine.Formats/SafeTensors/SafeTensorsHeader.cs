using System.Text.Json;
using System.Text.Unicode;
using IccEngine.Core;

namespace IccEngine.Formats;

/// <summary>
/// The header of a safetensors file: what tensors there are and where. Parsed and checked by the format's own rules
/// (https://github.com/huggingface/safetensors#format): the data offsets cover the rest of the file without gap or overlap, and each
/// range is as long as the shape says.
/// </summary>
internal sealed class SafeTensorsHeader
{
    /// <summary>Longest header that is read, in bytes; the format's own limit.</summary>
    public const long MaxLength = 100_000_000;

    /// <summary>Most dimensions of a tensor; as in numpy.</summary>
    public const int MaxRank = 64;

    private readonly string _file;
    private readonly long _dataLength;

    private SafeTensorsHeader(string file, long dataLength) => (_file, _dataLength) = (file, dataLength);

    /// <summary>One tensor: its type, extents and the range [Begin, End) of its bytes, counted from the end of the header.</summary>
    public sealed record Entry(string Name, DType DType, long[] Extents, long Begin, long End);

    /// <summary>The tensors in the order of their bytes.</summary>
    public List<Entry> Entries { get; } = [];

    /// <summary>The free-form metadata; empty where there is none.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Parses and checks a header.</summary>
    /// <param name="file">Path for messages.</param>
    /// <param name="json">The header's bytes.</param>
    /// <param name="dataLength">Number of bytes that follow it.</param>
    /// <exception cref="IccFormatException">The header breaks a rule of the format.</exception>
    public static SafeTensorsHeader Parse(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafeTensorsHeader(file, dataLength);
        if (json.Length == 0 || json[0] != (byte)'{')
        {
            throw header.Error("the header does not begin with '{'");
        }
        if (!Utf8.IsValid(json))
        {
            throw header.Error("the header is not valid UTF-8");
        }
        try
        {
            header.ReadRoot(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escape that makes half a surrogate pair.
            throw new IccFormatException(file, $"the header is not valid JSON: {e.Message.ReplaceLineEndings(" ")}", e);
        }
        header.CheckRanges();
        return header;
    }

    private void ReadRoot(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var names = new HashSet<string>(StringComparer.Ordinal);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name))
            {
                throw Error($"tensor '{name}': named twice");
            }
            reader.Read();
            if (name == "__metadata__")
            {
                ReadMetadata(ref reader);
            }
            else
            {
                Entries.Add(ReadEntry(ref reader, name));
            }
        }
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }
        Expect(reader.TokenType == JsonTokenType.StartObject, "__metadata__", "an object of strings");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            Expect(reader.TokenType == JsonTokenType.String, "__metadata__", $"a string under '{key}'");
            if (!Metadata.TryAdd(key, reader.GetString()!))
            {
                throw Error($"__metadata__: key '{key}' is there twice");
            }
        }
    }

    private Entry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        var place = $"tensor '{name}'";
        Expect(reader.TokenType == JsonTokenType.StartObject, place, "an object with dtype, shape and data_offsets");
        string? dtype = null;
        long[]? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            var again = key switch { "dtype" => dtype is not null, "shape" => shape is not null, "data_offsets" => offsets is not null, _ => false };
            Expect(!again, place, $"'{key}' only once");
            switch (key)
            {
                case "dtype":
                    Expect(reader.TokenType == JsonTokenType.String, place, "a string as dtype");
                    dtype = reader.GetString();
                    break;
                case "shape":
                    shape = ReadNumbers(ref reader, place, key, MaxRank);
                    break;
                case "data_offsets":
                    offsets = ReadNumbers(ref reader, place, key, 2);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        Expect(dtype is not null && shape is not null && offsets is not null, place, "dtype, shape and data_offsets");
        Expect(offsets!.Length == 2, place, "two data_offsets");
        return DTypeNames.TryParse(dtype!, out var type)
            ? new Entry(name, type, shape!, offsets[0], offsets[1])
            : throw Error($"{place}: unknown dtype '{dtype}'");
    }

    private long[] ReadNumbers(ref Utf8JsonReader reader, string place, string key, int most)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray, place, $"an array as {key}");
        var numbers = new List<long>(4);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            long number = -1;
            Expect(reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out number) && number >= 0, place,
                $"whole numbers from 0 to 2^63 - 1 in {key}");
            Expect(numbers.Count < most, place, $"at most {most} numbers in {key}");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    private void CheckRanges()
    {
        // Tensors without bytes share a place with the one that follows, and the sort has to keep them before it.
        Entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin)
            : a.End != b.End ? a.End.CompareTo(b.End) : string.CompareOrdinal(a.Name, b.Name));
        long end = 0;
        foreach (var entry in Entries)
        {
            var found = $"tensor '{entry.Name}': found data_offsets [{entry.Begin}, {entry.End}]";
            if (entry.End < entry.Begin || entry.End > _dataLength)
            {
                throw Error($"{found}, expected a range inside the {_dataLength} bytes of data");
            }
            if (entry.Begin != end)
            {
                throw Error($"{found}, expected a range from {end} on ({(entry.Begin < end ? "overlap" : "gap")})");
            }
            var bytes = ByteLength(entry);
            if (entry.End - entry.Begin != bytes)
            {
                throw Error($"{found}, that is {entry.End - entry.Begin} bytes, expected {bytes} "
                    + $"for {DTypeNames.NameOf(entry.DType)} [{string.Join(", ", entry.Extents)}]");
            }
            end = entry.End;
        }
        if (end != _dataLength)
        {
            throw Error($"the tensors end at byte {end} of {_dataLength} bytes of data");
        }
    }

    private long ByteLength(Entry entry)
    {
        try
        {
            return entry.DType.Bytes(entry.Extents.Aggregate(1L, (n, extent) => checked(n * extent)));
        }
        catch (Exception e) when (e is OverflowException or ArgumentException)
        {
            var why = e is OverflowException ? "more bytes than 2^63" : "not a whole number of bytes";
            throw Error($"tensor '{entry.Name}': {DTypeNames.NameOf(entry.DType)} [{string.Join(", ", entry.Extents)}] is {why}");
        }
    }

    private void Expect(bool holds, string place, string expected)
    {
        if (!holds)
        {
            throw Error($"{place}: expected {expected}");
        }
    }

    private IccFormatException Error(string message) => new(_file, message);
}
