using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

/// <summary>Damaged files are read or refused with an <see cref="IccException"/>; nothing else comes out, and no byte outside is touched.</summary>
public sealed class SafeTensorsMutationTests : IDisposable
{
    private const int Files = 12_000;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Damaged_files_are_read_or_refused()
    {
        var random = new Random(20_240_501);
        var (read, refused, parsed) = (0, 0, 0);
        for (var i = 0; i < Files; i++)
        {
            var bytes = i % 2 == 0 ? DamageBytes(random) : DamageStructure(random);
            parsed += HeaderParses(bytes) ? 1 : 0;
            var path = _folder.Write("damaged.safetensors", bytes);
            try
            {
                using var file = SafeTensorsFile.Open(path);
                Assert.Equal(bytes.Length, Touch(file) + 8 + BitConverter.ToInt64(bytes));
                read++;
            }
            catch (IccException e)
            {
                Assert.StartsWith(path, e.Message);
                refused++;
            }
        }
        Assert.True(parsed >= Files / 2, $"the JSON of {parsed} of {Files} parsed");
        Assert.True(read > 200 && refused > Files / 2, $"{read} read, {refused} refused: the damage is too harmless or too gross to say anything");
    }

    private static long Touch(SafeTensorsFile file)
    {
        long bytes = 0;
        foreach (var tensor in file.Tensors)
        {
            bytes += tensor.Bytes(0, (int)tensor.ByteLength).ToArray().Length;
        }
        return bytes;
    }

    private static bool HeaderParses(byte[] bytes)
    {
        try
        {
            var length = BitConverter.ToInt64(bytes);
            using var document = JsonDocument.Parse(bytes.AsMemory(8, checked((int)length)));
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or OverflowException)
        {
            return false;
        }
    }

    private static byte[] DamageBytes(Random random)
    {
        var bytes = SafeTensorsBytes.Make(SafeTensorsBytes.Good, SafeTensorsBytes.GoodData).ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at)); break;
                case 3: bytes.Insert(at, (byte)random.Next(256)); break;
                default: bytes.RemoveRange(at, bytes.Count - at); break;
            }
            if (bytes.Count == 0)
            {
                break;
            }
        }
        return [.. bytes];
    }

    private static byte[] DamageStructure(Random random)
    {
        var header = JsonNode.Parse(SafeTensorsBytes.Good)!.AsObject();
        var dataLength = SafeTensorsBytes.GoodData;
        for (var times = random.Next(1, 3); times > 0; times--)
        {
            var name = "abc"[random.Next(3)].ToString();
            var entry = header[name] as JsonObject ?? [];
            switch (random.Next(8))
            {
                case 0: entry["dtype"] = DTypeNames.NameOf((DType)random.Next(Enum.GetValues<DType>().Length)); break;
                case 1: entry["shape"] = new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Number(random))]); break;
                case 2: entry["data_offsets"] = new JsonArray(Number(random), Number(random)); break;
                case 3: entry.Remove(random.Next(3) switch { 0 => "dtype", 1 => "shape", _ => "data_offsets" }); break;
                case 4: header.Remove(name); header[$"{name}{random.Next(3)}"] = entry.DeepClone(); break;
                case 5: dataLength = Math.Max(0, dataLength + random.Next(-3, 4)); break;
                case 6: header["__metadata__"] = random.Next(3) switch { 0 => null, 1 => new JsonObject { ["k"] = Number(random) }, _ => new JsonObject { ["k"] = "ä\u0001" } }; break;
                default: header[name] = random.Next(3) switch { 0 => null, 1 => Number(random), _ => new JsonArray() }; break;
            }
        }
        var text = header.ToJsonString() + new string(' ', random.Next(9));
        if (random.Next(6) == 0)
        {
            text = text.Replace("\"b\":", "\"a\":", StringComparison.Ordinal);
        }
        return SafeTensorsBytes.Make(Encoding.UTF8.GetBytes(text), dataLength);
    }

    private static JsonNode? Number(Random random) => random.Next(10) switch
    {
        0 => JsonValue.Create(-random.Next(1, 20)),
        1 => JsonValue.Create(random.NextDouble() * 10),
        2 => JsonValue.Create(long.MaxValue - random.Next(3)),
        3 => JsonValue.Create(ulong.MaxValue),
        4 => JsonValue.Create(1L << random.Next(63)),
        5 => JsonValue.Create("1"),
        _ => JsonValue.Create(random.Next(20)),
    };
}
