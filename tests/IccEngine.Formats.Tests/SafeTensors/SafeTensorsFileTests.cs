using IccEngine.Core;
using IccEngine.Testing;
using Xunit;

namespace IccEngine.Formats.Tests;

public sealed class SafeTensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reads_names_shapes_values_and_metadata_without_copying()
    {
        using var file = SafeTensorsFile.Open(_folder.Write("x.safetensors", SafeTensorsBytes.Make(SafeTensorsBytes.Good, SafeTensorsBytes.GoodData)));
        Assert.Equal(["a", "b", "c"], file.Tensors.Select(t => t.Name));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([2L, 2L], file.Get("a").Extents);
        Assert.Equal([16, 17, 18], file.Get("b").Bytes(0, 3).ToArray());
        Assert.Equal(0, file.Get("c").Elements);
        Assert.Equal(file.Get("a").Address + 16, file.Get("b").Address);
        Assert.False(file.TryGet("d", out _));
        Assert.Contains("'d'", Assert.Throws<IccFormatException>(() => file.Get("d")).Message);
    }

    public static TheoryData<string, int, string> BadHeaders => new()
    {
        { """[]""", 0, "'{'" },
        { """ {}""", 0, "'{'" },
        { """{""", 0, "JSON" },
        { """{} x""", 0, "JSON" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}""", 1, "JSON" },
        { """{"a\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "JSON" },
        { """{"a":5}""", 0, "'a'" },
        { """{"a":{"shape":[1],"data_offsets":[0,1]}}""", 1, "'a': expected dtype" },
        { """{"a":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "'a': expected dtype" },
        { """{"a":{"dtype":"U8","shape":[1]}}""", 1, "'a': expected dtype" },
        { """{"a":{"dtype":"F7","shape":[1],"data_offsets":[0,1]}}""", 1, "unknown dtype 'F7'" },
        { """{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}""", 1, "'a': expected a string" },
        { """{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}""", 1, "'a': expected whole numbers" },
        { """{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}""", 1, "'a': expected whole numbers" },
        { """{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}""", 1, "'a': expected whole numbers" },
        { """{"a":{"dtype":"U8","shape":["1"],"data_offsets":[0,1]}}""", 1, "'a': expected whole numbers" },
        { """{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}""", 1, "'a': expected whole numbers" },
        { """{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""", 1, "'a': expected an array" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}""", 1, "two data_offsets" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}""", 1, "at most 2" },
        { """{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""", 1, "only once" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'a': named twice" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'a': named twice" },
        { """{"__metadata__":{},"__metadata__":{}}""", 0, "named twice" },
        { """{"__metadata__":{"x":1}}""", 0, "string under 'x'" },
        { """{"__metadata__":{"x":"1","x":"2"}}""", 0, "'x' is there twice" },
        { """{"__metadata__":[]}""", 0, "object of strings" },
        { """{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "'b'*overlap" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}""", 3, "'b'*gap" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "'a'*gap" },
        { """{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}""", 2, "'a'*inside" },
        { """{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", 2, "'a'*inside the 2 bytes" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 2, "end at byte 1 of 2" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,9223372036854775807]}}""", 1, "'a'*inside" },
        { """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}""", 3, "'a'*3 bytes, expected 4" },
        { """{"a":{"dtype":"U8","shape":[9223372036854775807,2],"data_offsets":[0,0]}}""", 0, "'a'*more bytes" },
        { """{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}""", 0, "'a'*more bytes" },
        { """{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""", 2, "'a'*whole number of bytes" },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Refuses_headers_that_break_a_rule_and_says_where(string header, int dataLength, string says)
    {
        var path = _folder.Write("bad.safetensors", SafeTensorsBytes.Make(header, dataLength));
        var error = Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(path));
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        var at = 0;
        foreach (var part in says.Split('*'))
        {
            at = error.Message.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(at >= 0, $"{error.Message} does not say {part}");
        }
    }

    [Fact]
    public void Refuses_every_truncation()
    {
        var whole = SafeTensorsBytes.Make(SafeTensorsBytes.Good, SafeTensorsBytes.GoodData);
        for (var length = 0; length < whole.Length; length++)
        {
            var path = _folder.Write("cut.safetensors", whole[..length]);
            Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(path));
        }
    }

    [Theory]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(1000UL)]
    public void Refuses_header_lengths_beyond_the_file_or_the_limit(ulong length)
    {
        var bytes = SafeTensorsBytes.Make("{}", 0);
        BitConverter.GetBytes(length).CopyTo(bytes, 0);
        var path = _folder.Write("long.safetensors", bytes);
        Assert.Contains($"{length}", Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(path)).Message);
    }

    [Fact]
    public void Refuses_invalid_utf8_and_missing_files_and_folders()
    {
        var path = _folder.Write("bytes.safetensors", SafeTensorsBytes.Make([(byte)'{', (byte)'"', 0xC3, (byte)'"', (byte)':', (byte)'1', (byte)'}'], 0));
        Assert.Contains("UTF-8", Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(path)).Message);
        Assert.Contains("no such file", Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(_folder.At("none"))).Message);
        Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(_folder.Path));
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        var path = _folder.Write("deep.safetensors", SafeTensorsBytes.Make("{\"a\":{\"x\":" + new string('[', 100_000), 0));
        Assert.Throws<IccFormatException>(() => SafeTensorsFile.Open(path));
    }

    [Fact]
    public void Every_type_of_the_format_is_read_and_written()
    {
        var path = _folder.At("types.safetensors");
        var types = Enum.GetValues<DType>();
        SafeTensorsWriter.Write(path, types.Select(t => SafeTensorsItem.From(HostTensor.FromBytes($"{t}", t, new byte[t.Bytes(8)], 8))));
        using var file = SafeTensorsFile.Open(path);
        Assert.Equal(types.Order(), file.Tensors.Select(t => t.DType).Order());
        Assert.All(file.Tensors, t => Assert.Equal(t.Name, $"{t.DType}"));
    }
}
